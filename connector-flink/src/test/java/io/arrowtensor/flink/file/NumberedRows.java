package io.arrowtensor.flink.file;

import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** Files whose rows are numbered through, so that one that is lost or repeated shows. */
final class NumberedRows {
  private NumberedRows() {}

  /** File {@code number} of a row of files of the same size. */
  static void writeArrow(Path file, int number, int batches, int rows) throws Exception {
    Schema schema =
        new Schema(
            List.of(
                Field.notNullable("id", new ArrowType.Int(64, true)),
                Field.nullable("x", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE))));
    try (BufferAllocator allocator = new RootAllocator()) {
      VectorSchemaRoot[] all = new VectorSchemaRoot[batches];
      for (int b = 0; b < batches; b++) {
        all[b] = VectorSchemaRoot.create(schema, allocator);
        for (int row = 0; row < rows; row++) {
          long id = ((long) number * batches + b) * rows + row;
          ((BigIntVector) all[b].getVector(0)).setSafe(row, id);
          ((Float4Vector) all[b].getVector(1)).setSafe(row, (float) id);
        }
        all[b].setRowCount(rows);
      }
      IpcFixture.write(file, CodecType.NO_COMPRESSION, all);
    }
  }

  /** The same in row groups of {@code groupRows}. */
  static void writeParquet(Path file, int number, int rows, int groupRows) throws Exception {
    MessageType schema =
        MessageTypeParser.parseMessageType("message m { required int64 id; optional float x; }");
    SimpleGroupFactory groups = new SimpleGroupFactory(schema);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withType(schema)
            .withRowGroupSize(1L)
            .withMinRowCountForPageSizeCheck(groupRows)
            .withMaxRowCountForPageSizeCheck(groupRows)
            .build()) {
      for (int row = 0; row < rows; row++) {
        long id = (long) number * rows + row;
        writer.write(groups.newGroup().append("id", id).append("x", (float) id));
      }
    }
  }
}
