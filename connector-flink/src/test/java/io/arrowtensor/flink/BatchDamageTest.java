package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.OwnedBatch;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Elements whose bytes were damaged: an error, or a batch that can be read to its end. */
@ExtendWith(NothingHeld.class)
@Timeout(300)
class BatchDamageTest {
  private final TypeSerializer<OwnedBatch> serializer =
      BatchTypeInfo.unknown()
          .withMemory(MemorySize.ofMebiBytes(8))
          .createSerializer(new SerializerConfigImpl());

  private byte[] bytes() throws IOException {
    try (OwnedBatch batch =
        SomeBatches.of(
            DeviceColumn.of("i", SomeBatches.ints(4, 5, 6)).withValidity(SomeBatches.mask(3)),
            SomeBatches.strings("s", false, "x", "", "yz"),
            SomeBatches.lists("l", SomeBatches.floats(1, 2, 3), 0, 2, 2, 3),
            DeviceColumn.of("d", SomeBatches.ints(1, 0, 1))
                .withDictionary(SomeBatches.strings("", false, "no", "yes")))) {
      DataOutputSerializer out = new DataOutputSerializer(64);
      serializer.serialize(batch, out);
      return out.getCopyOfBuffer();
    }
  }

  /** What a serializer does with the bytes: an IOException, or a batch that can be written. */
  private boolean isReadable(byte[] bytes) {
    try (OwnedBatch read = serializer.deserialize(new DataInputDeserializer(bytes))) {
      serializer.serialize(read, new DataOutputSerializer(64));
      return true;
    } catch (IOException e) {
      if (!(e instanceof EOFException)) {
        assertThat(e)
            .as("what is told of damaged bytes")
            .hasMessageStartingWith("Cannot read a batch: ");
      }
      return false;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0x01, 0x40, 0x80, 0xFF})
  void aByteThatWasFlippedIsAnErrorOrAnotherBatch(int mask) throws IOException {
    byte[] bytes = bytes();
    int refused = 0;
    for (int i = 0; i < bytes.length; i++) {
      byte[] damaged = bytes.clone();
      damaged[i] ^= (byte) mask;
      refused += isReadable(damaged) ? 0 : 1;
    }
    assertThat(refused).as("flips that were found").isBetween(10, bytes.length - 10);
  }

  /** Where {@code bytes} hold {@code value} as a long, the last time. */
  private static int lastLong(byte[] bytes, long value) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = (bytes.length - 8) / 8 * 8; i >= 0; i -= 8) {
      if (buffer.getLong(i) == value) {
        return i;
      }
    }
    throw new AssertionError("no " + value);
  }

  @Test
  void aBatchThatIsLargerThanTheLimitSaysSo() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    try (OwnedBatch batch =
        SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(new int[99999])))) {
      serializer.serialize(batch, out);
    }
    TypeSerializer<OwnedBatch> small =
        BatchTypeInfo.unknown()
            .withMemory(MemorySize.parse("64 kb"))
            .createSerializer(new SerializerConfigImpl());
    assertThatThrownBy(() -> small.deserialize(new DataInputDeserializer(out.getCopyOfBuffer())))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(
            "Cannot read a batch: there is no memory for what its bytes claim: ")
        .hasMessageEndingWith(
            "; raise BatchTypeInfo.withMemory(...), or, where no batch is that large, restore from"
                + " another checkpoint");
  }

  /** 77 rows, of which the node says that they are {@code rows}. */
  private byte[] bytesThatClaim(long rows) throws IOException {
    try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(new int[77])))) {
      DataOutputSerializer out = new DataOutputSerializer(64);
      serializer.serialize(batch, out);
      byte[] bytes = out.getCopyOfBuffer();
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(lastLong(bytes, 77), rows);
      return bytes;
    }
  }

  /** Arrow's own limit comes first, in its own words. */
  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, Long.MAX_VALUE, 1L << 31})
  void rowsThatNoVectorHasAreRefused(long rows) throws IOException {
    byte[] bytes = bytesThatClaim(rows);
    assertThatThrownBy(() -> serializer.deserialize(new DataInputDeserializer(bytes)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("node length larger than INT_MAX");
  }

  @ParameterizedTest
  @ValueSource(longs = {1L << 30, 1000, Integer.MAX_VALUE, -5})
  void rowsThatTheBodyDoesNotHoldAreRefused(long rows) throws IOException {
    byte[] bytes = bytesThatClaim(rows);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertThatThrownBy(() -> serializer.deserialize(new DataInputDeserializer(bytes)))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Cannot read a batch: its bytes are damaged, or none of a batch: ")
        .hasMessageContaining(" rows")
        .hasMessageEndingWith("; restore from another checkpoint");
    buffer.putLong(lastLong(bytes, rows), 77);
    assertThat(isReadable(bytes)).as("undamaged").isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MAX_VALUE, -2, Integer.MIN_VALUE, (1 << 26) + 1})
  void aLengthThatNoMessageHasIsRefusedBeforeAnythingIsAllocated(int length) throws IOException {
    byte[] bytes = bytes();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4, length);
    String message =
        "Cannot read a batch: its stream claims a message of "
            + length
            + " bytes before the body, of at most 67108864";
    assertThatThrownBy(() -> serializer.deserialize(new DataInputDeserializer(bytes)))
        .isInstanceOf(IOException.class)
        .hasMessage(message);
    assertThatThrownBy(
            () -> serializer.copy(new DataInputDeserializer(bytes), new DataOutputSerializer(64)))
        .isInstanceOf(IOException.class)
        .hasMessage(message);
  }

  @Test
  void bytesThatAreNoMessageAreRefused() {
    byte[] bytes = new byte[64];
    java.util.Arrays.fill(bytes, (byte) 0x11);
    bytes[0] = 32;
    bytes[1] = 0;
    bytes[2] = 0;
    bytes[3] = 0;
    assertThatThrownBy(
            () -> serializer.copy(new DataInputDeserializer(bytes), new DataOutputSerializer(64)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("its bytes are damaged");
  }
}
