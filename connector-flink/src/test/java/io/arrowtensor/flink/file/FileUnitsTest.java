package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.BatchTypeInfo;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.util.InstantiationUtil;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dates and times are integers in a batch, so files that count other units must not be mixed. */
@ExtendWith(NothingHeld.class)
class FileUnitsTest {
  private static final ArrowType MILLIS = new ArrowType.Timestamp(TimeUnit.MILLISECOND, null);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "int64 at (TIMESTAMP(MICROS;true)), MICROS since 1970",
    "int64 at (TIMESTAMP(NANOS;false)), NANOS since 1970",
    "int64 at (TIME(MICROS;true)), MICROS of the day",
    "int64 at, plain values",
  })
  void parquetFilesOfAnotherUnitAreRefused(String column, String unit) throws Exception {
    Path first = parquet("a", "int64 at (TIMESTAMP(MILLIS,true))");
    Path second = parquet("b", column.replace(';', ','));
    var format = ParquetFiles.read(IpcReadTest.path(first));
    open(format, first);
    assertRefused(format, second, "at: " + unit, "at: MILLIS since 1970");
    BatchSchema schema = ParquetFiles.schema(IpcReadTest.path(first));
    open(ParquetFiles.read(schema, 10), second); // which does not know units
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theSameUnitFitsWhateverItsZone(boolean adjusted) throws Exception {
    Path first = parquet("a", "int64 at (TIMESTAMP(MICROS,true))");
    Path second = parquet("b", "int64 at (TIMESTAMP(MICROS," + adjusted + "))");
    open(ParquetFiles.read(IpcReadTest.path(first)), second);
    Path arrow = arrow("a", MILLIS, false);
    Path zoned = arrow("b", new ArrowType.Timestamp(TimeUnit.MILLISECOND, "UTC"), false);
    open(ArrowFiles.read(IpcReadTest.path(arrow)), zoned);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void arrowFilesOfAnotherUnitAreRefused(boolean nested) throws Exception {
    Path first = arrow("a", MILLIS, nested);
    var format = ArrowFiles.read(IpcReadTest.path(first));
    open(format, first);
    ArrowType seconds = new ArrowType.Timestamp(TimeUnit.SECOND, null);
    String wanted = "at: MILLISECONDS since 1970";
    assertRefused(format, arrow("b", seconds, nested), "at: SECONDS since 1970", wanted);
    ArrowType date = new ArrowType.Date(DateUnit.MILLISECOND);
    open(ArrowFiles.read(IpcReadTest.path(arrow("c", date, nested))), first);
    ArrowType time = new ArrowType.Time(TimeUnit.MICROSECOND, 64);
    assertRefused(format, arrow("d", time, nested), "at: MICROSECONDS of the day", wanted);
    ArrowType duration = new ArrowType.Duration(TimeUnit.MILLISECOND);
    assertRefused(format, arrow("e", duration, nested), "at: MILLISECONDS", wanted);
    assertRefused(
        format, arrow("f", new ArrowType.Int(64, true), nested), "at: plain values", wanted);
    BatchSchema schema = ((BatchTypeInfo) format.getProducedType()).schema().orElseThrow();
    open(ArrowFiles.read(schema), arrow("g", seconds, nested)); // which does not know units
  }

  /** As a task does, which gets the format in serialized form. */
  private static void open(BulkFormat<OwnedBatch, FileSourceSplit> format, Path file)
      throws Exception {
    var path = IpcReadTest.path(file);
    long bytes = file.toFile().length();
    InstantiationUtil.clone(format)
        .createReader(new Configuration(), new FileSourceSplit("0", path, 0, bytes, 0, bytes))
        .close();
  }

  private static void assertRefused(
      BulkFormat<OwnedBatch, FileSourceSplit> format, Path file, String found, String wanted) {
    assertThatThrownBy(() -> open(format, file))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot read "
                + IpcReadTest.path(file)
                + ": its column '"
                + found
                + "' does not fit the job, which was built for '"
                + wanted
                + "'; read the files of one schema in a source of their own");
  }

  private Path parquet(String name, String column) throws Exception {
    Path file = folder.resolve(name + ".parquet");
    var type = MessageTypeParser.parseMessageType("message m { required " + column + "; }");
    ExampleParquetWriter.builder(new LocalOutputFile(file)).withType(type).build().close();
    return file;
  }

  private Path arrow(String name, ArrowType type, boolean nested) throws Exception {
    Path file = folder.resolve(name + ".arrow");
    Field values = Field.notNullable("at", type);
    Field column =
        nested
            ? new Field(
                "at", FieldType.notNullable(new ArrowType.FixedSizeList(2)), List.of(values))
            : values;
    try (BufferAllocator allocator = new RootAllocator();
        VectorSchemaRoot root = VectorSchemaRoot.create(new Schema(List.of(column)), allocator)) {
      assertThat(IpcFixture.write(file, CodecType.NO_COMPRESSION, root)).hasSize(1);
    }
    return file;
  }
}
