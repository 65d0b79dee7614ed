package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.testing.NoLeaks;
import java.nio.charset.StandardCharsets;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Columns with dictionaries as vectors, read by Arrow and back. */
@ExtendWith(NoLeaks.class)
class DictionaryRootTest {
  private static final Options READ =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private static DeviceArray indices(int... values) {
    DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT32, values.length));
    array.byteBuffer().asIntBuffer().put(values);
    return array;
  }

  private static DeviceColumn words() {
    byte[] text = "redgreen".getBytes(StandardCharsets.UTF_8);
    DeviceArray values = DeviceArray.from(Memory.allocate(DType.UINT8, text.length));
    values.byteBuffer().put(text);
    return DeviceColumn.of("", ColumnKind.STRING, values, indices(0, 3, 8));
  }

  private static OwnedBatch batch() {
    DeviceArray mask = DeviceArray.from(Memory.allocate(DType.BOOL, 3));
    mask.byteBuffer().put(new byte[] {1, 0, 1});
    DeviceColumn colors = DeviceColumn.of("color", indices(1, 0, 0)).withDictionary(words());
    return OwnedBatch.of(
        colors.withValidity(mask),
        DeviceColumn.of("other", indices(1, 1, 0)).withDictionary(words()));
  }

  private static void close(MapDictionaryProvider dictionaries) {
    dictionaries.getDictionaryIds().forEach(id -> dictionaries.lookup(id).getVector().close());
  }

  @Test
  void arrowDecodesThem(BufferAllocator allocator) {
    MapDictionaryProvider dictionaries = new MapDictionaryProvider();
    try (OwnedBatch batch = batch();
        VectorSchemaRoot root =
            Vectors.toRoot(batch, dictionaries, allocator, Options.defaults())) {
      assertThat(dictionaries.getDictionaryIds()).containsExactlyInAnyOrder(0L, 1L);
      assertThat(decoded(root, dictionaries, "color")).isEqualTo("green null red ");
      assertThat(decoded(root, dictionaries, "other")).isEqualTo("green green red ");
      assertThat(root.getVector("color").getDataBufferAddress())
          .as("indices are shared")
          .isEqualTo(batch.column("color").values().address());
    } finally {
      close(dictionaries);
    }
  }

  private static String decoded(
      VectorSchemaRoot root, MapDictionaryProvider dictionaries, String name) {
    FieldVector vector = root.getVector(name);
    long id = vector.getField().getDictionary().getId();
    StringBuilder text = new StringBuilder();
    try (var words = DictionaryEncoder.decode(vector, dictionaries.lookup(id))) {
      for (int row = 0; row < root.getRowCount(); row++) {
        text.append(words.getObject(row)).append(' ');
      }
    }
    return text.toString();
  }

  @Test
  void theyComeBackAsTheyWere(BufferAllocator allocator) {
    MapDictionaryProvider dictionaries = new MapDictionaryProvider();
    try (OwnedBatch batch = batch();
        VectorSchemaRoot root = Vectors.toRoot(batch, dictionaries, allocator, Options.defaults());
        OwnedBatch back = DeviceBatch.from(Vectors.view(root, dictionaries), READ)) {
      DeviceColumn color = back.column("color");
      assertThat(color.dictionary().kind()).isEqualTo(ColumnKind.STRING);
      assertThat(color.values().address()).isEqualTo(batch.column("color").values().address());
      assertThat(color.validity().byteBuffer().get(1)).isZero();
    } finally {
      close(dictionaries);
    }
  }

  @Test
  void withoutAPlaceForDictionariesTheyAreRefused(BufferAllocator allocator) {
    try (OwnedBatch batch = batch()) {
      assertThatThrownBy(() -> Vectors.toRoot(batch, allocator, Options.defaults()))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("Cannot make a vector of column 'color': it has a dictionary");
    }
  }

  @Test
  void aDictionaryOfADictionaryIsRefused(BufferAllocator allocator) {
    MapDictionaryProvider dictionaries = new MapDictionaryProvider();
    DeviceColumn inner = DeviceColumn.of("inner", indices(0, 1)).withDictionary(words());
    try (OwnedBatch batch =
        OwnedBatch.of(DeviceColumn.of("outer", indices(1, 0)).withDictionary(inner))) {
      assertThatThrownBy(() -> Vectors.toRoot(batch, dictionaries, allocator, Options.defaults()))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("Cannot make a vector of column 'inner': it has a dictionary");
      assertThat(dictionaries.getDictionaryIds()).isEmpty();
    }
  }
}
