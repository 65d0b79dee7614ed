package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchStream;
import io.arrowtensor.ColumnSource;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Options;
import io.arrowtensor.arrow.TakenStruct.Kind;

/**
 * The Arrow C Device Data Interface at ABI level: {@code ArrowSchema} and {@code ArrowDeviceArray}
 * structs by address. What {@link CData} is for the host, with the same ownership.
 *
 * <p><b>Memory on a device</b> is never read here: an array there is handed on as it is, slices as
 * addresses. Where that is not enough, to look for nulls, to unpack booleans, to find the end of
 * strings, it is refused with the remedy. Offsets of lists on a device are their producer's word.
 *
 * <p><b>Readiness.</b> A taken array carries the struct's event ({@link
 * io.arrowtensor.DeviceArray#ready()}); memory that the host can reach is waited for at once. An
 * export of arrays that wait for different things waits for them, as the struct has one event.
 *
 * <p>Plain host memory has the device id -1 here and 0 in {@link io.arrowtensor.Device}; both are
 * read.
 */
public final class CDevice {
  private CDevice() {}

  /**
   * Takes over a schema and an array, as {@link CData#take} does.
   *
   * @param schema address of a live {@code ArrowSchema}
   * @param deviceArray address of a live {@code ArrowDeviceArray} of that schema
   * @throws io.arrowtensor.InvalidStructException for released structs, counts that contradict the
   *     format, null pointers, devices that cannot be, an event of memory that needs none
   */
  public static ArrowSource take(long schema, long deviceArray) {
    return CDataImport.take(schema, deviceArray, Kind.DEVICE_ARRAY);
  }

  /**
   * Exports one array where it is, without copy where its elements are contiguous: one dimension as
   * its plain type, more as nested fixed-size lists. What its memory waits for becomes the struct's
   * event; where {@link Options#stream()} names the consumer's stream, that stream is made to wait
   * instead.
   *
   * @param name the field's name
   * @param schema address of 72 bytes to fill
   * @param deviceArray address of 128 bytes to fill
   * @throws io.arrowtensor.InterchangeException when the source cannot be exported under these
   *     options, or an address is null or misaligned; nothing is held then
   */
  public static void export(
      ArraySource source, String name, Options options, long schema, long deviceArray) {
    CDataExport.write(
        ExportNode.placed(name, source, options), schema, deviceArray, Kind.DEVICE_ARRAY);
  }

  /**
   * Exports a column with its validity (a bitmap, copied), offsets or dictionary; {@code column}
   * stays open.
   *
   * @throws io.arrowtensor.DeviceMismatchException when its arrays are on several devices
   */
  public static void export(DeviceColumn column, Options options, long schema, long deviceArray) {
    CDataExport.write(ExportNode.of(column, options), schema, deviceArray, Kind.DEVICE_ARRAY);
  }

  /** Converts a source to a column and exports that. */
  public static void export(ColumnSource source, Options options, long schema, long deviceArray) {
    try (DeviceColumn column = DeviceColumn.from(source, options)) {
      export(column, options, schema, deviceArray);
    }
  }

  /**
   * Exports a batch as a struct of its columns; {@code batch} stays open.
   *
   * @throws io.arrowtensor.DeviceMismatchException when its columns are on several devices
   */
  public static void export(DeviceBatch batch, Options options, long schema, long deviceArray) {
    CDataExport.write(ExportNode.of(batch, options), schema, deviceArray, Kind.DEVICE_ARRAY);
  }

  /**
   * Takes over an {@code ArrowDeviceArrayStream}, as {@link CData#takeStream} does. An array on
   * another kind of device than the stream's is refused.
   *
   * @param stream address of a live {@code ArrowDeviceArrayStream}
   */
  public static BatchStream takeStream(long stream, Options options) {
    return StreamImport.take(stream, Kind.DEVICE_STREAM, options);
  }

  /**
   * Exports a stream, as {@link CData#exportStream(BatchStream, Options, long)} does.
   *
   * @param type the kind of device on which all batches are; another one is an error to the
   *     consumer
   * @param stream address of 48 bytes to fill
   */
  public static void exportStream(
      BatchStream source, DeviceType type, Options options, long stream) {
    StreamExport.write(source, type, options, stream);
  }

  /**
   * Exports a stream of one batch, on whatever device it is; {@code batch} stays open.
   *
   * @throws io.arrowtensor.DeviceMismatchException when its columns are on several devices
   */
  public static void exportStream(DeviceBatch batch, Options options, long stream) {
    StreamExport.write(batch, Kind.DEVICE_STREAM, options, stream);
  }
}
