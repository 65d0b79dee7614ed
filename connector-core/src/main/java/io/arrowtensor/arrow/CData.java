package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchStream;
import io.arrowtensor.ColumnSource;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.arrow.TakenStruct.Kind;

/**
 * The Arrow C Data Interface at ABI level: {@code ArrowSchema} and {@code ArrowArray} structs by
 * address. {@code org.apache.arrow.c} is not used.
 *
 * <p><b>Ownership.</b> {@link #take} becomes the owner of both structs by moving them: the caller's
 * structs are marked released and their memory stays the caller's. {@code export} fills two structs
 * that the caller provides, 72 and 80 bytes, whose memory stays the caller's; their release
 * callbacks, from any thread, give back everything else. {@code exportStream} fills one struct, 40
 * bytes, in the same way.
 */
public final class CData {
  private CData() {}

  /**
   * Takes over a schema and an array. They are ours from this call on, also when it fails: each
   * release callback runs exactly once, the array's when everything made of it has been closed.
   * Offsets, null counts of -1 and missing validity buffers are honoured.
   *
   * @param schema address of a live {@code ArrowSchema}
   * @param array address of a live {@code ArrowArray} of that schema
   * @throws io.arrowtensor.InvalidStructException for released structs, counts that contradict the
   *     format, null pointers
   */
  public static ArrowSource take(long schema, long array) {
    return CDataImport.take(schema, array, Kind.ARRAY);
  }

  /**
   * Exports one array, without copy where its elements are contiguous: one dimension as its plain
   * type, more as nested fixed-size lists.
   *
   * @param name the field's name
   * @param schema address of 72 bytes to fill
   * @param array address of 80 bytes to fill
   * @throws io.arrowtensor.InterchangeException when the source cannot be exported under these
   *     options, or an address is null or misaligned; nothing is held then
   */
  public static void export(
      ArraySource source, String name, Options options, long schema, long array) {
    CDataExport.write(ExportNode.of(name, source, options), schema, array, Kind.ARRAY);
  }

  /**
   * Exports a column with its validity (a bitmap, copied), offsets or dictionary; {@code column}
   * stays open.
   */
  public static void export(DeviceColumn column, Options options, long schema, long array) {
    CDataExport.write(ExportNode.of(column, options), schema, array, Kind.ARRAY);
  }

  /** Converts a source to a column and exports that. */
  public static void export(ColumnSource source, Options options, long schema, long array) {
    try (DeviceColumn column = DeviceColumn.from(source, options)) {
      export(column, options, schema, array);
    }
  }

  /**
   * Exports a batch as a struct of its columns, as {@code RecordBatch}es travel; {@code batch}
   * stays open.
   */
  public static void export(DeviceBatch batch, Options options, long schema, long array) {
    CDataExport.write(ExportNode.of(batch, options), schema, array, Kind.ARRAY);
  }

  /**
   * Takes over an {@code ArrowArrayStream} by moving it. It is ours from this call on, also when it
   * fails: its release callback runs exactly once, when the result is closed.
   *
   * <p>A stream of structs gives their fields as columns; one of plain arrays, as a chunked array
   * exports itself, gives batches of one column that has the schema's name. A null row of a struct
   * is refused, as no column could say it.
   *
   * @param stream address of a live {@code ArrowArrayStream}
   * @param options for every batch
   * @return a stream that the caller closes; its batches own their memory and outlive it
   * @throws io.arrowtensor.StreamException when the producer cannot tell its schema
   * @throws io.arrowtensor.InterchangeException when its schema cannot be described under these
   *     options
   */
  public static BatchStream takeStream(long stream, Options options) {
    return StreamImport.take(stream, Kind.STREAM, options);
  }

  /**
   * Exports a stream. Its consumer pulls batches from {@code source}, one call at a time, and
   * releases it from any thread, which closes {@code source} once; batches that it still has keep
   * their own memory. The schema is the first batch's, which is pulled when the consumer asks for
   * the schema; a batch with another one, as every failure, is an error number with a text for the
   * consumer ({@code EINVAL} for data that cannot be exported, {@code ENOMEM}, else {@code EIO}),
   * and ends the stream.
   *
   * @param source passes to the stream, also when this fails
   * @param options for every batch
   * @param stream address of 40 bytes to fill
   */
  public static void exportStream(BatchStream source, Options options, long stream) {
    StreamExport.write(source, null, options, stream);
  }

  /** Exports a stream of one batch; {@code batch} stays open. */
  public static void exportStream(DeviceBatch batch, Options options, long stream) {
    StreamExport.write(batch, Kind.STREAM, options, stream);
  }
}
