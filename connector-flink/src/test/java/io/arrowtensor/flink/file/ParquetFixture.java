package io.arrowtensor.flink.file;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * Parquet files of all types that can be read, written and read again, row by row, by Parquet's own
 * classes.
 *
 * @param dictionary whether to encode with dictionaries
 * @param version of the pages
 * @param groupRows rows of a row group
 * @param pageRows rows of a page
 * @param distinct how many values there are; more than a dictionary page holds make it mixed
 * @param nullEvery about one in this many is null; none for 0
 */
record ParquetFixture(
    boolean dictionary,
    WriterVersion version,
    CompressionCodecName codec,
    int groupRows,
    int pageRows,
    int distinct,
    int nullEvery) {
  static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message all {
            required int64 id;
            optional boolean flag;
            required boolean always;
            optional int32 i8 (INTEGER(8,true));
            optional int32 u8 (INTEGER(8,false));
            optional int32 i16 (INTEGER(16,true));
            optional int32 u16 (INTEGER(16,false));
            optional int32 i32;
            optional int32 u32 (INTEGER(32,false));
            optional int64 i64 (INTEGER(64,true));
            optional int64 u64 (INTEGER(64,false));
            optional float f32;
            required float g32;
            optional double f64;
            optional int32 day (DATE);
            optional int32 time (TIME(MILLIS,true));
            optional int64 moment (TIMESTAMP(MICROS,false));
            optional binary text (STRING);
            required binary word (ENUM);
            optional binary bytes;
          }
          """);

  /** The columns, or those with values of one width. */
  static String[] names(boolean fixed) {
    return SCHEMA.getFields().stream()
        .filter(
            type ->
                !fixed || type.asPrimitiveType().getPrimitiveTypeName() != PrimitiveTypeName.BINARY)
        .map(Type::getName)
        .toArray(String[]::new);
  }

  void write(Path file, int rows, Random random) throws Exception {
    SimpleGroupFactory groups = new SimpleGroupFactory(SCHEMA);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withType(SCHEMA)
            .withDictionaryEncoding(dictionary)
            .withDictionaryPageSize(1 << 10)
            .withWriterVersion(version)
            .withByteStreamSplitEncoding(version == WriterVersion.PARQUET_2_0)
            .withCompressionCodec(codec)
            .withRowGroupSize(1L)
            .withMinRowCountForPageSizeCheck(groupRows) // and so for the size of a row group
            .withMaxRowCountForPageSizeCheck(groupRows)
            .withPageRowCountLimit(pageRows)
            .build()) {
      for (int row = 0; row < rows; row++) {
        writer.write(row(groups.newGroup(), row, random));
      }
    }
  }

  private Group row(Group group, int row, Random random) {
    for (Type type : SCHEMA.getFields()) {
      String name = type.getName();
      boolean isNull =
          nullEvery > 0
              && type.isRepetition(Type.Repetition.OPTIONAL)
              && random.nextInt(nullEvery) == 0;
      if (isNull) {
        continue;
      }
      int value = random.nextInt(distinct) * 7919;
      switch (type.asPrimitiveType().getPrimitiveTypeName()) {
        case BOOLEAN -> group.add(name, random.nextBoolean());
        case INT32 -> group.add(name, narrow(type.asPrimitiveType(), value));
        case INT64 -> group.add(name, name.equals("id") ? row : value * 1_000_003L);
        case FLOAT -> group.add(name, value * 0.25f);
        case DOUBLE -> group.add(name, value * -0.125);
        default -> group.add(name, Binary.fromString("x".repeat(value % 5) + value));
      }
    }
    return group;
  }

  private static int narrow(PrimitiveType type, int value) {
    int bits =
        type.getLogicalTypeAnnotation() instanceof IntLogicalTypeAnnotation integer
            ? integer.getBitWidth()
            : 32;
    return type.getName().startsWith("u")
        ? value & (int) ((1L << Math.min(31, bits)) - 1)
        : value << (32 - bits) >> (32 - bits);
  }

  /** All rows of {@code columns} by Parquet's own reader, in the notation of {@link Cells}. */
  static List<List<Object>> read(Path file, String... columns) throws Exception {
    List<List<Object>> cells = new ArrayList<>();
    for (int c = 0; c < columns.length; c++) {
      cells.add(new ArrayList<>());
    }
    try (ParquetReader<Group> reader = new GroupReader(new LocalInputFile(file)).build()) {
      for (Group row = reader.read(); row != null; row = reader.read()) {
        for (int c = 0; c < columns.length; c++) {
          cells
              .get(c)
              .add(row.getFieldRepetitionCount(columns[c]) == 0 ? null : cell(row, columns[c]));
        }
      }
    }
    return cells;
  }

  private static Object cell(Group row, String name) {
    PrimitiveType type = row.getType().getType(name).asPrimitiveType();
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN -> row.getBoolean(name, 0) ? 1L : 0L;
      case INT32 -> {
        int bits =
            type.getLogicalTypeAnnotation() instanceof IntLogicalTypeAnnotation integer
                ? integer.getBitWidth()
                : 32;
        yield (long) (row.getInteger(name, 0) << (32 - bits) >> (32 - bits));
      }
      case INT64 -> row.getLong(name, 0);
      case FLOAT -> (long) Float.floatToRawIntBits(row.getFloat(name, 0));
      case DOUBLE -> Double.doubleToRawLongBits(row.getDouble(name, 0));
      default -> HexFormat.of().formatHex(row.getBinary(name, 0).getBytes());
    };
  }

  private static final class GroupReader extends ParquetReader.Builder<Group> {
    GroupReader(InputFile file) {
      super(file);
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
      return new GroupReadSupport();
    }
  }
}
