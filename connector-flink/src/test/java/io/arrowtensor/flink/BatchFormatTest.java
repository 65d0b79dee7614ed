package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.OwnedBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What a savepoint of an earlier build holds of an element and its serializer: a file that is never
 * written anew ({@code -Dwrite.fixture} writes that of a new version).
 */
@ExtendWith(NothingHeld.class)
class BatchFormatTest {
  private static final Path VERSION_1 = Path.of("src/test/resources/batch-1.bin");

  private static OwnedBatch batch() {
    return SomeBatches.of(
        DeviceColumn.of("i", SomeBatches.ints(1, -2, 3)).withValidity(SomeBatches.mask(3)),
        DeviceColumn.of("m", SomeBatches.counting(DType.FLOAT32, 5, 3, 2)),
        SomeBatches.strings("s", false, "one", "", "three"));
  }

  private static void write(Path file) throws IOException {
    TypeSerializer<OwnedBatch> serializer =
        BatchTypeInfo.unknown()
            .withMemory(MemorySize.parse("3 mb"))
            .withMemoryTimeout(Duration.ofSeconds(7))
            .createSerializer(new SerializerConfigImpl());
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
    try (OwnedBatch batch = batch()) {
      serializer.serialize(batch, out);
    }
    Files.write(file, out.getCopyOfBuffer());
  }

  @Test
  void anElementOfVersion1IsRead() throws IOException {
    if (System.getProperty("write.fixture") != null) {
      write(VERSION_1);
    }
    DataInputDeserializer in = new DataInputDeserializer(Files.readAllBytes(VERSION_1));
    TypeSerializer<OwnedBatch> serializer =
        TypeSerializerSnapshot.<OwnedBatch>readVersionedSnapshot(
                in, BatchFormatTest.class.getClassLoader())
            .restoreSerializer();
    try (OwnedBatch read = serializer.deserialize(in);
        OwnedBatch expected = batch()) {
      SomeBatches.assertSame(read, expected);
    }
    assertThat(in.available()).as("bytes left").isZero();
  }
}
