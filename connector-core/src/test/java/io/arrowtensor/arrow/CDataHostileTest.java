package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Structs that contradict themselves: one typed error, each release exactly once. */
class CDataHostileTest {
  private static final Options OPTIONS =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private record Case(
      String name,
      Class<? extends InterchangeException> error,
      String message,
      Function<CStructs, Pair> make) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case invalid(String name, String message, Function<CStructs, Pair> make) {
    return new Case(name, InvalidStructException.class, message, make);
  }

  private static Case array(String name, String message, int offset, long value) {
    return invalid(
        name,
        "Invalid ArrowArray of column 'v': " + message,
        s -> {
          Pair pair = s.ints32(1, 2, 3);
          pair.putArray(offset, value);
          return pair;
        });
  }

  private static Case format(String format, String message) {
    return invalid(
        "format " + format,
        message,
        s -> {
          Pair pair = s.ints32(1, 2, 3);
          pair.putSchema(Abi.Schema.FORMAT, s.cString(format));
          return pair;
        });
  }

  private static Case metadata(String name, String message, int... words) {
    return invalid(
        name,
        message,
        s -> {
          Pair pair = s.ints32(1, 2, 3);
          pair.putSchema(Abi.Schema.METADATA, s.ints(words));
          return pair;
        });
  }

  static Stream<Case> counts() {
    return Stream.of(
        array("negative length", "length -1 at offset 0", Abi.Array.LENGTH, -1),
        array("negative offset", "length 3 at offset -1", Abi.Array.OFFSET, -1),
        array(
            "length and offset overflow",
            "length 3 at offset 9223372036854775805",
            Abi.Array.OFFSET,
            Long.MAX_VALUE - 2),
        array("null count below -1", "null_count -2 of 3 rows", Abi.Array.NULL_COUNT, -2),
        array("more nulls than rows", "null_count 4 of 3 rows", Abi.Array.NULL_COUNT, 4),
        array(
            "nulls without a bitmap",
            "null_count 1 without a validity buffer",
            Abi.Array.NULL_COUNT,
            1),
        array("too few buffers", "n_buffers 1, expected 2", Abi.Array.N_BUFFERS, 1),
        array("negative buffers", "n_buffers -1, expected 2", Abi.Array.N_BUFFERS, -1),
        array(
            "huge buffers",
            "n_buffers 9223372036854775807, expected 2",
            Abi.Array.N_BUFFERS,
            Long.MAX_VALUE),
        array("no buffer pointers", "null pointer to its 2 buffers", Abi.Array.BUFFERS, 0),
        array("children of a number", "n_children 1, its schema has 0", Abi.Array.N_CHILDREN, 1),
        array("negative children", "n_children -1, its schema has 0", Abi.Array.N_CHILDREN, -1),
        array(
            "a dictionary nobody announced",
            "dictionary pointer 0x40, which its schema contradicts",
            Abi.Array.DICTIONARY,
            64),
        invalid(
            "no data",
            "Invalid ArrowArray of column 'v': null buffer 1 for 3 rows",
            s -> new Pair(s.schema("i", "v"), s.array(3, 0, new long[] {0, 0}))),
        invalid(
            "an offset beyond all addresses",
            "Invalid offset of column 'v': value 4611686018427387904 lies beyond 64-bit addresses",
            s -> new Pair(s.schema("i", "v"), s.array(3, 1L << 62, new long[] {0, s.ints(1)}))));
  }

  static Stream<Case> trees() {
    return Stream.of(
        invalid(
            "an array child less",
            "Invalid ArrowArray of the array: n_children 1, its schema has 2",
            s -> {
              Pair pair = s.struct();
              pair.putArray(Abi.Array.N_CHILDREN, 1);
              return pair;
            }),
        invalid(
            "no child pointers",
            "Invalid C Data struct: null pointer to child 0",
            s -> {
              Pair pair = s.struct();
              pair.putArray(Abi.Array.CHILDREN, 0);
              return pair;
            }),
        invalid(
            "a null child",
            "Invalid C Data struct: null pointer to child 1",
            s -> {
              Pair pair = s.struct();
              RawMemory.putLong(RawMemory.longAt(pair.array() + Abi.Array.CHILDREN) + 8, 0);
              return pair;
            }),
        invalid(
            "no schema child pointers",
            "Invalid C Data struct: null pointer to child 0",
            s -> {
              Pair pair = s.struct();
              pair.putSchema(Abi.Schema.CHILDREN, 0);
              return pair;
            }),
        invalid(
            "negative schema children",
            "Invalid n_children -1 of an ArrowSchema with format '+s'",
            s -> {
              Pair pair = s.struct();
              pair.putSchema(Abi.Schema.N_CHILDREN, -1);
              return pair;
            }),
        invalid(
            "huge schema children",
            "Invalid n_children 9223372036854775807 of an ArrowSchema with format '+s'",
            s -> {
              Pair pair = s.struct();
              pair.putSchema(Abi.Schema.N_CHILDREN, Long.MAX_VALUE);
              return pair;
            }),
        invalid(
            "a list of nothing",
            "Invalid n_children 0 of an ArrowSchema with format '+l'",
            s -> new Pair(s.schema("+l", "v"), s.array(0, 0, new long[] {0, 0}))),
        invalid(
            "a number with children",
            "Invalid n_children 1 of an ArrowSchema with format 'i'",
            s ->
                new Pair(s.schema("i", "v", s.schema("i", "w")), s.array(0, 0, new long[] {0, 0}))),
        invalid(
            "nested too deep", "Invalid ArrowSchema: nested deeper than 64 levels", s -> deep(s)),
        invalid(
            "its own child twice",
            "Invalid ArrowSchema: nested deeper than 64 levels",
            CDataHostileTest::selfContained),
        invalid(
            "a million fields by twenty levels of two",
            "Invalid ArrowSchema: more than 1048576 fields in all",
            CDataHostileTest::explosive),
        invalid(
            "a list child too short",
            "Invalid child length 5 of column 'v': its list rows need 6",
            s -> {
              Pair pair = s.fixedLists(3, 1, 2, 3, 4, 5, 6);
              long child = RawMemory.longAt(RawMemory.longAt(pair.array() + Abi.Array.CHILDREN));
              RawMemory.putLong(child + Abi.Array.LENGTH, 5);
              return pair;
            }),
        invalid(
            "a list extent that overflows",
            "Invalid list size 2147483647 of column 'v': the extent overflows 64 bits",
            s -> {
              Pair pair = s.fixedLists(1, 1);
              pair.putSchema(Abi.Schema.FORMAT, s.cString("+w:2147483647"));
              pair.putArray(Abi.Array.LENGTH, Long.MAX_VALUE);
              return pair;
            }));
  }

  private static Pair deep(CStructs s) {
    long schema = s.schema("i", "v");
    long array = s.array(1, 0, new long[] {0, s.ints(7)});
    for (int level = 0; level < 65; level++) {
      schema = s.schema("+w:1", "v", schema);
      array = s.array(1, 0, new long[] {0}, array);
    }
    return new Pair(schema, array);
  }

  private static Pair selfContained(CStructs s) {
    Pair pair = s.struct();
    pair.putSchema(Abi.Schema.CHILDREN, s.longs(pair.schema(), pair.schema()));
    return pair;
  }

  private static Pair explosive(CStructs s) {
    long schema = s.schema("i", "v");
    for (int level = 0; level < 20; level++) {
      schema = s.schema("+s", "v", schema, schema);
    }
    return new Pair(schema, s.array(0, 0, new long[] {0}));
  }

  static Stream<Case> schemas() {
    return Stream.of(
        format("?", "Cannot read format '?' of an ArrowSchema: this library does not know it"),
        format("", "Cannot read format '' of an ArrowSchema: this library does not know it"),
        format("+r", "Cannot read format '+r' of an ArrowSchema: this library does not know it"),
        format("x:1", "Cannot read format 'x:1' of an ArrowSchema: this library does not know it"),
        format("+w:", "Invalid format '+w:' of an ArrowSchema: expected a 32-bit number, got ''"),
        format(
            "+w:-3",
            "Invalid format '+w:-3' of an ArrowSchema: expected a number that is not negative,"
                + " got '-3'"),
        format(
            "w:99999999999",
            "Invalid format 'w:99999999999' of an ArrowSchema: expected a 32-bit number, got"
                + " '99999999999'"),
        format("d:1", "Invalid format 'd:1' of an ArrowSchema: expected d:precision,scale"),
        format(
            "d:a,b", "Invalid format 'd:a,b' of an ArrowSchema: expected a 32-bit number, got 'a'"),
        invalid(
            "no format",
            "Invalid ArrowSchema: null format",
            s -> {
              Pair pair = s.ints32(1);
              pair.putSchema(Abi.Schema.FORMAT, 0);
              return pair;
            }),
        invalid(
            "indices that are no integers",
            "Invalid ArrowSchema: dictionary indices of format 'f', expected an integer",
            s -> {
              Pair pair = s.ints32(1);
              pair.putSchema(Abi.Schema.FORMAT, s.cString("f"));
              pair.putSchema(Abi.Schema.DICTIONARY, s.schema("u", ""));
              return pair;
            }),
        invalid(
            "an announced dictionary that is missing",
            "Invalid ArrowArray of column 'v': dictionary pointer 0x0, which its schema contradicts",
            s -> {
              Pair pair = s.ints32(1);
              pair.putSchema(Abi.Schema.DICTIONARY, s.schema("u", ""));
              return pair;
            }),
        metadata("negative pairs", "Invalid length -1 in the metadata of an ArrowSchema", -1),
        metadata(
            "huge pairs",
            "Invalid length 2147483647 in the metadata of an ArrowSchema",
            Integer.MAX_VALUE),
        metadata("negative key", "Invalid length -5 in the metadata of an ArrowSchema", 1, -5),
        metadata(
            "huge key",
            "Invalid length 2147483647 in the metadata of an ArrowSchema",
            1,
            Integer.MAX_VALUE),
        metadata("negative value", "Invalid length -7 in the metadata of an ArrowSchema", 1, 0, -7),
        metadata(
            "huge value",
            "Invalid length 2147483647 in the metadata of an ArrowSchema",
            1,
            0,
            Integer.MAX_VALUE));
  }

  static Stream<Case> contents() {
    return Stream.of(
        invalid(
            "offsets that fall",
            "Invalid offsets of column 'v': they run from 4 to 2",
            s -> strings(s, s.ints(4, 3, 2))),
        invalid(
            "offsets below 0",
            "Invalid offsets of column 'v': they run from -1 to 2",
            s -> strings(s, s.ints(-1, 1, 2))),
        invalid(
            "bytes that are missing",
            "Invalid data pointer: null for an array of 4 bytes",
            s -> new Pair(s.schema("u", "v"), s.array(2, 0, new long[] {0, s.ints(0, 2, 4), 0}))),
        invalid(
            "offsets beyond the child",
            "Invalid offsets of column 'v': they end at 4, the values at 3",
            s ->
                new Pair(
                    s.schema("+l", "v", s.schema("i", "item")),
                    s.array(
                        2,
                        0,
                        new long[] {0, s.ints(0, 2, 4)},
                        s.array(3, 0, new long[] {0, s.ints(1, 2, 3)})))),
        new Case(
            "lists of indices",
            UnsupportedTypeException.class,
            "Cannot hand out column 'v': the values in its lists are indices into a dictionary;"
                + " decode them first",
            CDataHostileTest::listsOfIndices),
        new Case(
            "a map",
            UnsupportedTypeException.class,
            "Cannot hand out column 'v' of type Map(false) as an array: tensors have no such type;"
                + " cast it to a number or leave it out",
            s ->
                new Pair(
                    s.schema("+m", "v", s.schema("+s", "entries")),
                    s.array(0, 0, new long[] {0, 0}, s.array(0, 0, new long[] {0})))),
        new Case(
            "lists of the null type",
            UnsupportedTypeException.class,
            "Cannot hand out column 'item' of type Null as an array: tensors have no such type;"
                + " cast it to a number or leave it out",
            s ->
                new Pair(
                    s.schema("+l", "v", s.schema("n", "item")),
                    s.array(1, 0, new long[] {0, s.ints(0, 2)}, s.array(2, 0, new long[0])))),
        new Case(
            "nulls in lists under a mask",
            NullsException.class,
            "Cannot hand out column 'v' with nulls inside its lists: row 1 is the first; a mask"
                + " has one bool a row; fill them with Options.withNulls(Nulls.fill(value))",
            s -> {
              Pair pair = s.fixedLists(2, 1, 2, 3, 4);
              long child = RawMemory.longAt(RawMemory.longAt(pair.array() + Abi.Array.CHILDREN));
              RawMemory.putLong(RawMemory.longAt(child + Abi.Array.BUFFERS), s.bytes(0b0111));
              return pair;
            }));
  }

  private static Pair strings(CStructs s, long offsets) {
    return new Pair(s.schema("u", "v"), s.array(2, 0, new long[] {0, offsets, s.cString("abcd")}));
  }

  private static Pair listsOfIndices(CStructs s) {
    Pair pair = s.fixedLists(2, 0, 1, 1, 0);
    long child = RawMemory.longAt(RawMemory.longAt(pair.array() + Abi.Array.CHILDREN));
    long childSchema = RawMemory.longAt(RawMemory.longAt(pair.schema() + Abi.Schema.CHILDREN));
    RawMemory.putLong(childSchema + Abi.Schema.DICTIONARY, s.schema("i", ""));
    RawMemory.putLong(child + Abi.Array.DICTIONARY, s.array(2, 0, new long[] {0, s.ints(70, 80)}));
    return pair;
  }

  @ParameterizedTest
  @MethodSource({"counts", "trees", "schemas", "contents"})
  void isRefusedWithItsReasonAndReleasedOnce(Case hostile) {
    Pair pair = hostile.make.apply(structs);
    assertThatThrownBy(
            () -> DeviceColumn.from(CData.take(pair.schema(), pair.array()), OPTIONS).close())
        .isInstanceOf(hostile.error)
        .hasMessage(hostile.message);
    assertThat(pair.releases()).as("releases").isEqualTo(1);
    assertThat(pair.isEmptied()).as("marked released").isTrue();
  }

  @Test
  void aReleasedSchemaReleasesTheArray() {
    Pair pair = structs.ints32(1, 2);
    pair.putSchema(Abi.Schema.RELEASE, 0);
    assertThatThrownBy(() -> CData.take(pair.schema(), pair.array()))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Cannot take a released ArrowSchema: its release callback is null");
    assertThat(pair.schemaReleases()).isZero();
    assertThat(pair.arrayReleases()).isEqualTo(1);
    assertThat(pair.isEmptied()).isTrue();
  }

  @Test
  void aReleasedArrayReleasesTheSchema() {
    Pair pair = structs.ints32(1, 2);
    pair.putArray(Abi.Array.RELEASE, 0);
    assertThatThrownBy(() -> CData.take(pair.schema(), pair.array()))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Cannot take a released ArrowArray: its release callback is null");
    assertThat(pair.schemaReleases()).isEqualTo(1);
    assertThat(pair.arrayReleases()).isZero();
  }

  @Test
  void misplacedStructsAreRefusedAndTheOtherOneIsReleased() {
    Pair first = structs.ints32(1);
    assertThatThrownBy(() -> CData.take(0, first.array()))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Invalid ArrowSchema address 0x0: expected a non-null, 8-byte aligned one");
    assertThat(first.arrayReleases()).isEqualTo(1);

    Pair second = structs.ints32(1);
    assertThatThrownBy(() -> CData.take(second.schema(), 12))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Invalid ArrowArray address 0xc: expected a non-null, 8-byte aligned one");
    assertThat(second.schemaReleases()).isEqualTo(1);
  }

  @Test
  void anExportToAMisplacedStructIsRefusedAndHoldsNothing() {
    Pair source = structs.ints32(1, 2, 3);
    try (io.arrowtensor.DeviceArray array =
        io.arrowtensor.DeviceArray.from(CData.take(source.schema(), source.array()))) {
      long good = structs.zeroed(Abi.Array.SIZE);
      assertThatThrownBy(() -> CData.export(array, "v", Options.defaults(), 0, good))
          .isInstanceOf(InvalidStructException.class)
          .hasMessage("Invalid ArrowSchema address 0x0: expected a non-null, 8-byte aligned one");
      assertThatThrownBy(() -> CData.export(array, "v", Options.defaults(), good, good + 4))
          .isInstanceOf(InvalidStructException.class)
          .hasMessageStartingWith("Invalid ArrowArray address 0x");
    }
    assertThat(source.releases()).isEqualTo(1);
  }

  @Test
  void aChildOfAnotherLengthIsRefusedAsABatch() {
    Pair pair = structs.struct();
    pair.putArray(Abi.Array.OFFSET, 2);
    assertThatThrownBy(
            () -> DeviceBatch.from(CData.take(pair.schema(), pair.array()), OPTIONS).close())
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("column 'a'");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aNumberIsRefusedAsABatch() {
    Pair pair = structs.ints32(1);
    assertThatThrownBy(
            () -> DeviceBatch.from(CData.take(pair.schema(), pair.array()), OPTIONS).close())
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessage("Cannot read column 'v' of type Int(32, true) as a batch: expected a struct");
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void nullRowsOfAStructAreRefusedUnderEveryPolicyThatSees() {
    for (Nulls policy : new Nulls[] {Nulls.REJECT, Nulls.MASK, Nulls.PROPAGATE, Nulls.fill(1)}) {
      Pair pair = structs.struct();
      pair.putArray(Abi.Array.BUFFERS, structs.longs(structs.bytes(0b1011)));
      Options options = Options.defaults().withNulls(policy);
      assertThatThrownBy(
              () -> DeviceBatch.from(CData.take(pair.schema(), pair.array()), options).close())
          .isInstanceOf(NullsException.class)
          .hasMessage(
              "Cannot hand out the array with nulls: row 2 is the first; filter such rows out, or"
                  + " make their fields null instead");
      assertThat(pair.releases()).isEqualTo(1);
    }
  }
}
