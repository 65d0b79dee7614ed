package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Footers that contradict their file: no row is lost, no null and no byte read as a value. */
@ExtendWith(NothingHeld.class)
class IpcFooterTest {
  private static final ArrowType FLOAT = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
  private static final ArrowType.Int INDEX = new ArrowType.Int(8, true);

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void writeTwoBatches() throws Exception {
    file = folder.resolve("x.arrow");
    Schema schema = new Schema(List.of(Field.nullable("x", FLOAT)));
    try (BufferAllocator allocator = new RootAllocator()) {
      IpcFixture.write(
          file,
          CodecType.NO_COMPRESSION,
          IpcFixture.rows(schema, 20, 0, new Random(1), allocator),
          IpcFixture.rows(schema, 20, 1, new Random(2), allocator));
    }
  }

  private List<List<List<Object>>> read() throws Exception {
    return IpcReadTest.read(ArrowFiles.read(IpcReadTest.path(file)), file, 0, Files.size(file));
  }

  private String named(String why) {
    return "Cannot read " + IpcReadTest.path(file) + ": " + why;
  }

  @Test
  void aFooterThatSaysTheSameIsRead() throws Exception {
    List<List<List<Object>>> before = read();
    IpcFooter.of(file).write(file);
    assertThat(read()).hasSize(2).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"-8", "0", "1000000", "9223372036854775800"})
  void aBatchThatNoSplitWouldHaveIsRefusedAndNotLost(long offset) throws Exception {
    IpcFooter footer = IpcFooter.of(file);
    ArrowBlock last = footer.batches().get(1);
    ArrowBlock moved = new ArrowBlock(offset, last.getMetadataLength(), last.getBodyLength());
    footer.with(footer.batches().get(0), moved).write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith(named("its footer names a batch of "))
        .hasMessageContaining(" bytes at " + offset + " of " + Files.size(file));
  }

  @ParameterizedTest
  @CsvSource({"0, 64", "-8, 64", "64, -1", "64, 9223372036854775807", "2147483647, 64"})
  void aBatchOfBytesThatTheFileLacksIsRefused(int metadata, long body) throws Exception {
    IpcFooter.of(file).with(new ArrowBlock(8, metadata, body)).write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith(
            named("its footer names a batch of " + metadata + " and " + body + " bytes at 8"));
  }

  @Test
  void bigEndianNumbersAreRefused() throws Exception {
    IpcFooter.of(file).with(Endianness.Big).write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessage(named("its numbers are big-endian; write it on a little-endian machine"));
  }

  @Test
  void nullsOfAColumnThatHasNoneAreRefused() throws Exception {
    IpcFooter.of(file).with(Field.notNullable("x", FLOAT)).write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith(named("column 'x' is not nullable but has 20 nulls"));
  }

  private static Field words(String name, boolean nullable, ArrowType type, long id) {
    DictionaryEncoding encoding = new DictionaryEncoding(id, false, INDEX);
    return new Field(name, new FieldType(nullable, type, encoding), null);
  }

  private void writeWords(boolean nullWord) throws Exception {
    try (BufferAllocator allocator = new RootAllocator()) {
      IpcFixture.writeWithDictionaries(file, 40, false, nullWord, INDEX, allocator);
    }
  }

  @Test
  void columnsThatShareADictionaryAgreeOnItsType() throws Exception {
    writeWords(false);
    ArrowType utf8 = new ArrowType.Utf8();
    Field plain = Field.notNullable("plain", new ArrowType.Int(64, true));
    IpcFooter footer = IpcFooter.of(file);
    footer.with(words("word", true, utf8, 1), plain, words("number", true, FLOAT, 1)).write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith(
            named(
                "columns 'word' and 'number' share dictionary 1, but one has Utf8, the other"
                    + " FloatingPoint(SINGLE)"));
    footer.with(words("word", true, utf8, 1), plain, words("number", true, utf8, 1)).write(file);
    List<List<Object>> columns = Cells.joined(read());
    assertThat(columns.get(2)).hasSize(80).isEqualTo(columns.get(0));
  }

  @Test
  void wordsThatAreNullAreRefusedInAColumnThatHasNoNulls() throws Exception {
    writeWords(true);
    Field plain = Field.notNullable("plain", new ArrowType.Int(64, true));
    IpcFooter.of(file)
        .with(words("word", false, new ArrowType.Utf8(), 1), plain, words("number", true, FLOAT, 7))
        .write(file);
    assertThatThrownBy(this::read)
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith(
            named("column 'word' is not nullable but names words that are null"));
  }
}
