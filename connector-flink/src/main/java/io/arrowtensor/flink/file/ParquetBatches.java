package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.Closing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.jspecify.annotations.Nullable;

/**
 * Reads the row groups of one split in batches, none of which has rows of two groups. A position is
 * the number of rows read. The thread that Flink fetches with.
 */
final class ParquetBatches implements BulkFormat.Reader<OwnedBatch> {
  private final ParquetFile file;
  private final BatchMemory memory;
  private final Options options;
  private final Iterator<BlockMetaData> groups;
  private final List<StoredColumn> columns;
  private final List<ParquetVector> vectors;
  private final int maxRows;
  private long rowsRead;
  private long rowsLeft;

  private ParquetBatches(ParquetFile file, FileSchema schema, int maxRows, BatchMemory memory) {
    List<Column> read = schema.columns().columns();
    schema.require(file.columns(read.stream().map(Column::name).toList()));
    this.file = file;
    this.memory = memory;
    this.options = Options.defaults().withAllocator(memory.allocator());
    this.groups = file.groups().iterator();
    this.maxRows = most(file.groups(), maxRows);
    this.columns = read.stream().map(column -> file.column(column, this.maxRows)).toList();
    this.vectors = columns.stream().map(StoredColumn::vector).toList();
  }

  /** The rows of the largest batch. */
  private static int most(List<BlockMetaData> groups, int maxRows) {
    long largest = groups.stream().mapToLong(BlockMetaData::getRowCount).max().orElse(1);
    return (int) Math.min(maxRows, Math.max(1, largest));
  }

  /**
   * Starts behind {@code position} rows.
   *
   * @param file passes to the result
   */
  static ParquetBatches open(
      ParquetFile file, FileSchema schema, int maxRows, BatchMemory memory, long position)
      throws IOException {
    try {
      ParquetBatches batches = new ParquetBatches(file, schema, maxRows, memory);
      batches.skip(position);
      return batches;
    } catch (RuntimeException e) {
      throw FileFailure.of(file.path(), e);
    } catch (IOException e) {
      throw FileFailure.of(file.path(), e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(file.path(), e);
    }
  }

  /** Whole row groups are not read; the rest is read and dropped. */
  private void skip(long position) throws IOException {
    while (rowsRead < position && groups.hasNext()) {
      BlockMetaData group = groups.next();
      if (group.getRowCount() > position - rowsRead) {
        open(group);
        break;
      }
      rowsRead += group.getRowCount();
    }
    while (rowsRead < position && rowsLeft > 0) {
      read((int) Math.min(maxRows, Math.min(rowsLeft, position - rowsRead))).close();
    }
  }

  @Override
  public BulkFormat.@Nullable RecordIterator<OwnedBatch> readBatch() throws IOException {
    try {
      return nextGroup()
          ? new FileBatch(memory.own(read((int) Math.min(maxRows, rowsLeft))), rowsRead)
          : null;
    } catch (RuntimeException e) {
      throw FileFailure.of(file.path(), e);
    } catch (IOException e) {
      throw FileFailure.of(file.path(), e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(file.path(), e);
    }
  }

  /** Whether there are rows left, in this row group or in the next. */
  private boolean nextGroup() throws IOException {
    while (rowsLeft == 0 && groups.hasNext()) {
      open(groups.next());
    }
    return rowsLeft > 0;
  }

  /** Begins with the columns of {@code group}, in the order in which they lie in the file. */
  private void open(BlockMetaData group) throws IOException {
    rowsLeft = group.getRowCount();
    Map<String, StoredColumn> missing = new LinkedHashMap<>();
    columns.forEach(column -> missing.put(column.name(), column));
    List<ColumnChunkMetaData> chunks = new ArrayList<>(group.getColumns());
    chunks.sort(Comparator.comparingLong(ColumnChunkMetaData::getStartingPos));
    for (ColumnChunkMetaData chunk : chunks) {
      StoredColumn column = missing.remove(chunk.getPath().toArray()[0]);
      if (column != null && rowsLeft > 0) {
        requireRows(column, chunk.getValueCount());
        column.open(chunk, rowsLeft);
      }
    }
    if (!missing.isEmpty()) {
      throw FileFailure.invalid(file.path(), "a row group has no columns " + missing.keySet());
    }
  }

  /** No column is nested, so each has a value or a null for every row. */
  private void requireRows(StoredColumn column, long values) {
    if (values != rowsLeft) {
      throw FileFailure.invalid(
          file.path(),
          "a row group has "
              + rowsLeft
              + " rows, its column '"
              + column.name()
              + "' "
              + values
              + " values");
    }
  }

  private OwnedBatch read(int rows) throws IOException {
    List<DeviceColumn> made = new ArrayList<>();
    try (ParquetSlabs slabs = ParquetSlabs.allocate(vectors, rows, options)) {
      for (int c = 0; c < vectors.size(); c++) {
        ParquetVector vector = vectors.get(c);
        vector.start(slabs.address(c), rows);
        columns.get(c).read(rows);
        made.add(vector.finish(slabs.memory(c, vector.column), options));
      }
      rowsRead += rows;
      rowsLeft -= rows;
      return OwnedBatch.of(rows, List.copyOf(made));
    } catch (IOException | RuntimeException | Error e) {
      Closing.quietly(e, made);
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
