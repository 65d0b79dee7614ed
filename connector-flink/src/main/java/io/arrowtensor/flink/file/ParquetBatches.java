package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.Closing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.formats.parquet.vector.reader.ColumnReader;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.jspecify.annotations.Nullable;

/**
 * Reads the row groups of one split in batches, none of which has rows of two groups. A position is
 * the number of rows read. The thread that Flink fetches with.
 */
final class ParquetBatches implements BulkFormat.Reader<OwnedBatch> {
  private final ParquetFile file;
  private final ParquetFileReader groups;
  private final BatchMemory memory;
  private final Options options;
  private final List<Column> columns;
  private final List<ColumnDescriptor> stored;
  private final List<ParquetVector> vectors;
  private final int maxRows;
  private final List<ColumnReader<ParquetVector>> readers = new ArrayList<>();
  private @Nullable PageReadStore group;
  private long rowsRead;
  private long rowsLeft;

  private ParquetBatches(ParquetFile file, FileSchema schema, int maxRows, BatchMemory memory) {
    List<String> names = schema.columns().columns().stream().map(Column::name).toList();
    schema.require(file.columns(names));
    this.file = file;
    this.groups = file.reading(names);
    this.memory = memory;
    this.options = Options.defaults().withAllocator(memory.allocator());
    this.columns = schema.columns().columns();
    this.stored =
        names.stream()
            .map(
                name ->
                    groups.getFileMetaData().getSchema().getColumnDescription(new String[] {name}))
            .toList();
    this.vectors = columns.stream().map(column -> ParquetColumn.vector(column, maxRows)).toList();
    this.maxRows = maxRows;
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
    for (var group : groups.getRowGroups()) {
      if (rowsRead + group.getRowCount() > position) {
        break;
      }
      groups.skipNextRowGroup();
      rowsRead += group.getRowCount();
    }
    while (rowsRead < position && nextGroup()) {
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
  @SuppressWarnings("unchecked") // each vector is what the reader of its column writes to
  private boolean nextGroup() throws IOException {
    while (rowsLeft == 0) {
      releaseGroup();
      PageReadStore pages = groups.readNextRowGroup();
      if (pages == null) {
        return false;
      }
      group = pages;
      rowsLeft = pages.getRowCount();
      for (ColumnDescriptor column : rowsLeft == 0 ? List.<ColumnDescriptor>of() : stored) {
        PageReader ofColumn = pages.getPageReader(column);
        requireRows(column, ofColumn.getTotalValueCount());
        ColumnReader<?> reader = ParquetColumn.reader(column, ofColumn);
        readers.add((ColumnReader<ParquetVector>) reader);
      }
    }
    return true;
  }

  /** What was read of it goes to the next row group: nobody may have its pages any more. */
  private void releaseGroup() {
    readers.clear();
    PageReadStore read = group;
    group = null;
    if (read != null) {
      read.close();
    }
  }

  /** No column is nested, so each has a value or a null for every row. */
  private void requireRows(ColumnDescriptor column, long values) {
    if (values != rowsLeft) {
      throw FileFailure.invalid(
          file.path(),
          "a row group has "
              + rowsLeft
              + " rows, its column '"
              + column.getPath()[0]
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
        readers.get(c).readToVector(rows, vector);
        made.add(vector.finish(slabs.memory(c, columns.get(c)), options));
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
    try (file) {
      releaseGroup();
    }
  }
}
