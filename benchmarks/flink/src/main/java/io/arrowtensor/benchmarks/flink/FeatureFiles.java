package io.arrowtensor.benchmarks.flink;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem.WriteMode;
import org.apache.flink.formats.parquet.row.ParquetRowDataBuilder;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.hadoop.conf.Configuration;

/** Files of {@link Features}, not compressed. */
final class FeatureFiles {
  private FeatureFiles() {}

  /** The columns, as Flink's Parquet classes want them. */
  static RowType columns() {
    return ((InternalTypeInfo<RowData>) Features.rowType()).toRowType();
  }

  /** Written by Flink's own writer, without or with dictionaries. */
  static void parquet(Path file, boolean dictionary, long rows) throws IOException {
    Configuration configuration = new Configuration();
    configuration.setBoolean("parquet.enable.dictionary", dictionary);
    RowData[] prepared = Features.generic();
    var path = new org.apache.flink.core.fs.Path(file.toUri());
    try (FSDataOutputStream out = path.getFileSystem().create(path, WriteMode.OVERWRITE)) {
      BulkWriter<RowData> writer =
          ParquetRowDataBuilder.createWriterFactory(columns(), configuration, false).create(out);
      for (long row = 0; row < rows; row++) {
        writer.addElement(prepared[(int) (row % prepared.length)]);
      }
      writer.finish();
    }
  }

  /** Written by Arrow's own writer, in record batches of {@code batchRows}. */
  static void arrow(Path file, long rows, int batchRows) throws IOException {
    RowData[] prepared = Features.generic();
    Schema schema =
        new Schema(
            Arrays.stream(Features.NAMES)
                .map(
                    name ->
                        Field.notNullable(
                            name, new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)))
                .toList());
    try (BufferAllocator allocator = new RootAllocator();
        VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator);
        FileChannel out =
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        ArrowFileWriter writer = new ArrowFileWriter(root, null, out)) {
      for (long done = 0; done < rows; done += batchRows) {
        int count = (int) Math.min(batchRows, rows - done);
        for (int c = 0; c < Features.NAMES.length; c++) {
          Float4Vector column = (Float4Vector) root.getVector(c);
          column.allocateNew(count);
          for (int row = 0; row < count; row++) {
            column.set(row, prepared[(int) ((done + row) % prepared.length)].getFloat(c));
          }
        }
        root.setRowCount(count);
        writer.writeBatch();
      }
    }
  }
}
