package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Well-formed structs of foreign producers: offsets, absent buffers, moves. */
class CDataTakeTest {
  private static final Options MASK = Options.defaults().withNulls(Nulls.MASK);

  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private static ArrowSource take(Pair pair) {
    return CData.take(pair.schema(), pair.array());
  }

  private static int[] ints(DeviceArray array) {
    int[] values = new int[(int) array.size()];
    array.byteBuffer().asIntBuffer().get(values);
    return values;
  }

  private static byte[] bytes(DeviceArray array) {
    ByteBuffer buffer = array.byteBuffer();
    byte[] values = new byte[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Test
  void takeEmptiesTheSourceStructsAndReleasesEachOnce() {
    Pair pair = structs.ints32(5, 6, 7);
    ArrowSource source = take(pair);
    assertThat(pair.isEmptied()).as("marked released").isTrue();
    assertThat(pair.schemaReleases()).as("schema, not needed any more").isEqualTo(1);
    DeviceArray array = DeviceArray.from(source);
    assertThat(pair.arrayReleases()).as("array, in use").isZero();
    assertThat(ints(array)).containsExactly(5, 6, 7);
    assertThat(array.isReadOnly()).isTrue();
    array.close();
    array.close();
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void theMovedStructsOwnMemoryIsNeverUsedAgain() {
    Pair pair = structs.ints32(5, 6, 7);
    ArrowSource source = take(pair);
    RawMemory.fill(pair.schema(), Abi.Schema.SIZE, (byte) 0xee);
    long counter = RawMemory.longAt(pair.array() + Abi.Array.PRIVATE_DATA);
    RawMemory.fill(pair.array(), Abi.Array.SIZE, (byte) 0xee);
    try (DeviceArray array = DeviceArray.from(source)) {
      assertThat(ints(array)).containsExactly(5, 6, 7);
    }
    assertThat(RawMemory.longAt(counter)).isEqualTo(1);
  }

  @Test
  void aSecondUseOfOneSourceIsRefusedAndHarmsNobody() {
    Pair pair = structs.ints32(5, 6, 7);
    ArrowSource source = take(pair);
    try (DeviceArray array = DeviceArray.from(source)) {
      assertThatThrownBy(() -> DeviceArray.from(source))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("Cannot use column 'v' again: a source of a taken struct is used once");
      assertThat(pair.arrayReleases()).isZero();
      assertThat(ints(array)).containsExactly(5, 6, 7);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aRefusedTypeReleasesTheStructs() {
    Pair pair =
        new Pair(
            structs.schema("tsn:UTC", "t"),
            structs.array(2, 0, new long[] {0, structs.longs(1, 2)}));
    assertThatThrownBy(() -> DeviceArray.from(take(pair)))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("column 't'");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aRefusedCopyReleasesTheStructs() {
    Pair pair =
        new Pair(structs.schema("b", "v"), structs.array(2, 0, new long[] {0, structs.bytes(2)}));
    assertThatThrownBy(() -> DeviceArray.from(take(pair), Options.defaults().withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("BIT_PACKED");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 7})
  void theOffsetMovesTheAddress(int offset) {
    long data = structs.ints(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    Pair pair = new Pair(structs.schema("i", "v"), structs.array(3, offset, new long[] {0, data}));
    try (DeviceArray array = DeviceArray.from(take(pair))) {
      assertThat(array.address()).isEqualTo(data + 4L * offset);
      assertThat(ints(array)).containsExactly(offset, offset + 1, offset + 2);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 6, 8, 11})
  void theOffsetMovesTheBitmapToo(int offset) {
    int word = 0b01001010_01101101;
    long validity = structs.bytes(word, word >> 8);
    long data = structs.zeroed(4 * 16);
    Pair pair =
        new Pair(structs.schema("i", "v"), structs.array(4, offset, new long[] {validity, data}));
    try (DeviceColumn column = DeviceColumn.from(take(pair), MASK)) {
      byte[] expected = new byte[4];
      for (int i = 0; i < 4; i++) {
        expected[i] = (byte) (word >> (offset + i) & 1);
      }
      assertThat(bytes(column.validity())).containsExactly(expected);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 8, 13})
  void theOffsetMovesPackedBooleans(int offset) {
    int word = 0b10110011_10001111_01010110;
    long data = structs.bytes(word, word >> 8, word >> 16);
    Pair pair = new Pair(structs.schema("b", "v"), structs.array(9, offset, new long[] {0, data}));
    try (DeviceArray array = DeviceArray.from(take(pair))) {
      assertThat(array.dtype()).isEqualTo(DType.BOOL);
      byte[] expected = new byte[9];
      for (int i = 0; i < 9; i++) {
        expected[i] = (byte) (word >> (offset + i) & 1);
      }
      assertThat(bytes(array)).containsExactly(expected);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void parentAndChildOffsetsOfFixedListsAddUp() {
    long data = structs.ints(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
    long leaf = structs.array(14, 3, new long[] {0, data});
    long inner = structs.array(6, 1, new long[] {0}, leaf);
    long outer = structs.array(2, 1, new long[] {0}, inner);
    Pair pair =
        new Pair(
            structs.schema(
                "+w:2", "v", structs.schema("+w:2", "item", structs.schema("i", "item"))),
            outer);
    try (DeviceArray array = DeviceArray.from(take(pair))) {
      // outer row 1 is inner rows 1 + 2 .. 1 + 5, whose values start at 3 + 2 * 3
      assertThat(array.shape()).containsExactly(2, 2, 2);
      assertThat(array.address()).isEqualTo(data + 4 * 9);
      assertThat(ints(array)).containsExactly(9, 10, 11, 12, 13, 14, 15, 16);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void nullsInsideFixedListsAreFoundAtTheirOffset() {
    long data = structs.ints(0, 1, 2, 3, 4, 5, 6, 7);
    long leaf = structs.array(7, 1, new long[] {structs.bytes(0b11101111), data});
    Pair pair =
        new Pair(
            structs.schema("+w:2", "v", structs.schema("i", "item")),
            structs.array(2, 1, new long[] {0}, leaf));
    // list rows 1 and 2 are leaf values 1 + 2 .. 1 + 5; bit 4 is the second of them
    assertThatThrownBy(() -> DeviceArray.from(take(pair)))
        .isInstanceOf(NullsException.class)
        .hasMessageContaining("inside its lists: row 0 is the first");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aStructsOffsetAppliesToItsChildrenOnTopOfTheirOwn() {
    long a = structs.array(6, 0, new long[] {0, structs.ints(0, 1, 2, 3, 4, 5)});
    long b =
        structs.array(
            6, 1, new long[] {structs.bytes(0b1110111), structs.ints(9, 10, 11, 12, 13, 14, 15)});
    long indices = structs.array(6, 0, new long[] {0, structs.bytes(0, 1, 0, 1, 1, 0)});
    long dictionary = structs.array(2, 0, new long[] {0, structs.ints(70, 80)});
    RawMemory.putLong(indices + Abi.Array.DICTIONARY, dictionary);
    long indexSchema = structs.schema("c", "c");
    RawMemory.putLong(indexSchema + Abi.Schema.DICTIONARY, structs.schema("i", ""));
    Pair pair =
        new Pair(
            structs.schema(
                "+s", "", structs.schema("i", "a"), structs.schema("i", "b"), indexSchema),
            structs.array(3, 2, new long[] {0}, a, b, indices));
    try (OwnedBatch batch = DeviceBatch.from(take(pair), MASK)) {
      assertThat(batch.rowCount()).isEqualTo(3);
      assertThat(ints(batch.column("a").values())).containsExactly(2, 3, 4);
      assertThat(ints(batch.column("b").values())).containsExactly(12, 13, 14);
      assertThat(bytes(batch.column("b").validity())).containsExactly(0, 1, 1);
      assertThat(bytes(batch.column("c").values())).containsExactly(0, 1, 1);
      assertThat(ints(batch.column("c").dictionary().values())).containsExactly(70, 80);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aClaimOfNullsWithoutBitmapIsRefusedBelowAStructsOffsetToo() {
    Pair pair = structs.struct();
    pair.putArray(Abi.Array.OFFSET, 1);
    pair.putArray(Abi.Array.LENGTH, 2);
    long child = RawMemory.longAt(RawMemory.longAt(pair.array() + Abi.Array.CHILDREN));
    RawMemory.putLong(child + Abi.Array.NULL_COUNT, 2);
    assertThatThrownBy(() -> DeviceBatch.from(take(pair), MASK).close())
        .hasMessage("Invalid ArrowArray of column 'a': null_count 2 without a validity buffer");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void anArrayOfABatchOutlivesItsSiblings() {
    Pair pair = structs.struct();
    OwnedBatch batch = DeviceBatch.from(take(pair));
    batch.column("a").close();
    assertThat(pair.arrayReleases()).isZero();
    assertThat(ints(batch.column("b").values())).containsExactly(10, 11, 12, 13);
    batch.close();
    assertThat(pair.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"-1,false", "0,false", "-1,true", "0,true"})
  void absentNullsAreKnownByCountOrBitmap(long nullCount, boolean bitmap) {
    long validity = bitmap ? structs.bytes(0b111) : 0;
    Pair pair =
        new Pair(
            structs.schema("i", "v"),
            structs.array(3, 0, new long[] {validity, structs.ints(1, 2, 3)}));
    pair.putArray(Abi.Array.NULL_COUNT, nullCount);
    try (DeviceColumn column = DeviceColumn.from(take(pair), MASK)) {
      assertThat(column.validity()).isNull();
      assertThat(ints(column.array())).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aNullCountOfZeroIsTrusted() {
    Pair pair =
        new Pair(
            structs.schema("i", "v"),
            structs.array(2, 0, new long[] {structs.bytes(0b01), structs.ints(1, 2)}));
    pair.putArray(Abi.Array.NULL_COUNT, 0);
    try (DeviceArray array = DeviceArray.from(take(pair))) {
      assertThat(ints(array)).containsExactly(1, 2);
    }
  }

  @Test
  void unknownAndStatedNullsAreRejectedMaskedAndFilled() {
    for (long nullCount : new long[] {-1, 1}) {
      Pair rejected = withNull(nullCount);
      assertThatThrownBy(() -> DeviceArray.from(take(rejected)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 1 is the first");
      assertThat(rejected.releases()).isEqualTo(1);
      try (DeviceColumn masked = DeviceColumn.from(take(withNull(nullCount)), MASK)) {
        assertThat(bytes(masked.validity())).containsExactly(1, 0, 1);
      }
      try (DeviceArray filled =
          DeviceArray.from(
              take(withNull(nullCount)), Options.defaults().withNulls(Nulls.fill(-9)))) {
        assertThat(ints(filled)).containsExactly(1, -9, 3);
      }
    }
  }

  private Pair withNull(long nullCount) {
    Pair pair =
        new Pair(
            structs.schema("i", "v"),
            structs.array(3, 0, new long[] {structs.bytes(0b101), structs.ints(1, 2, 3)}));
    pair.putArray(Abi.Array.NULL_COUNT, nullCount);
    return pair;
  }

  @Test
  void emptyArraysMayLackEveryBuffer() {
    Pair numbers = new Pair(structs.schema("g", "v"), structs.array(0, 0, new long[] {0, 0}));
    try (DeviceArray array = DeviceArray.from(take(numbers))) {
      assertThat(array.shape()).containsExactly(0);
      assertThat(array.address()).isZero();
    }
    Pair strings = new Pair(structs.schema("u", "v"), structs.array(0, 0, new long[] {0, 0, 0}));
    try (DeviceColumn column =
        DeviceColumn.from(take(strings), Options.defaults().withStorage(Storage.AS_BYTES))) {
      assertThat(column.rowCount()).isZero();
      assertThat(ints(column.offsets())).containsExactly(0);
    }
    assertThat(numbers.releases() + strings.releases()).isEqualTo(2);
  }

  @Test
  void stringsAreReadAtTheirOffset() {
    long text = structs.cString("zeroonetwo");
    Pair pair =
        new Pair(
            structs.schema("u", "s"),
            structs.array(2, 1, new long[] {0, structs.ints(0, 4, 7, 10), text}));
    try (DeviceColumn column =
        DeviceColumn.from(take(pair), Options.defaults().withStorage(Storage.AS_BYTES))) {
      assertThat(column.kind()).isEqualTo(ColumnKind.STRING);
      assertThat(ints(column.offsets())).containsExactly(4, 7, 10);
      assertThat(new String(bytes(column.values()), StandardCharsets.UTF_8))
          .isEqualTo("zeroonetwo");
      assertThat(column.values().address()).isEqualTo(text);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void listsAreReadAtTheirOffsetAndTheirChildsOffset() {
    long child = structs.array(5, 2, new long[] {0, structs.ints(0, 1, 2, 3, 4, 5, 6)});
    Pair pair =
        new Pair(
            structs.schema("+L", "v", structs.schema("i", "item")),
            structs.array(2, 1, new long[] {0, structs.longs(0, 1, 3, 5)}, child));
    try (DeviceColumn column = DeviceColumn.from(take(pair))) {
      assertThat(column.kind()).isEqualTo(ColumnKind.LIST);
      assertThat(column.offsets().dtype()).isEqualTo(DType.INT64);
      assertThat(column.offsets().byteBuffer().asLongBuffer().get(0)).isEqualTo(1);
      assertThat(ints(column.values())).containsExactly(2, 3, 4, 5, 6);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void tensorMetadataGivesShapeNamesAndPermutation() {
    Pair pair = structs.fixedLists(6, 0, 1, 2, 3, 4, 5);
    pair.putSchema(
        Abi.Schema.METADATA,
        structs.extension(
            "arrow.fixed_shape_tensor",
            "{\"shape\":[2,3],\"permutation\":[1,0],\"dim_names\":[\"y\",\"x\"]}"));
    try (DeviceArray array = DeviceArray.from(take(pair))) {
      assertThat(array.shape()).containsExactly(1, 3, 2);
      assertThat(array.strides()).containsExactly(6, 1, 3);
      assertThat(array.dimNames()).containsExactly("", "x", "y");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"17,4,1", "4,16", "4,16,1,1", "4,32,1", "-1,16,1", "a,b,c", "", ",,"})
  void aDtypeThatDoesNotFitItsStorageIsRefused(String text) {
    Pair pair =
        new Pair(structs.schema("w:2", "v"), structs.array(1, 0, new long[] {0, structs.ints(1)}));
    pair.putSchema(Abi.Schema.METADATA, structs.extension("arrowtensor.dtype", text));
    assertThatThrownBy(() -> DeviceArray.from(take(pair)))
        .isInstanceOf(io.arrowtensor.InvalidStructException.class)
        .hasMessageContaining("arrowtensor.dtype");
    assertThat(pair.releases()).isEqualTo(1);
  }
}
