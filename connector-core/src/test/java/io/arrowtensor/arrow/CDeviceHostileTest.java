package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Device arrays that cannot be, and questions about memory that the host cannot read: an address
 * that nobody mapped stands for it, so that a read would end the process.
 */
class CDeviceHostileTest {
  private static final long UNREADABLE = 0x7f00_0000_1000L;

  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private void assertRefused(
      Pair pair, Options options, Class<? extends InterchangeException> error, String message) {
    assertThatThrownBy(
            () -> DeviceColumn.from(CDevice.take(pair.schema(), pair.array()), options).close())
        .isInstanceOf(error)
        .hasMessage(message);
    assertThat(pair.releases()).as("releases").isEqualTo(1);
    assertThat(pair.isEmptied()).as("marked released").isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "0,0,device_type 0",
    "-1,0,device_type -1",
    "1,-2,device_id -2 of device type cpu",
    "1,1,device_id 1 of device type cpu",
    "2,-1,device_id -1 of device type cuda",
    "2,2147483648,device_id 2147483648 of device type cuda",
    "3,-2,device_id -2 of device type cuda_host",
    "4,-9223372036854775808,device_id -9223372036854775808 of device type opencl"
  })
  void devicesThatCannotBeAreRefused(int type, long id, String what) {
    assertRefused(
        structs.onDevice(structs.ints32(1, 2), type, id),
        Options.defaults(),
        InvalidStructException.class,
        "Invalid ArrowDeviceArray: " + what);
  }

  @ParameterizedTest
  @CsvSource({"1,cpu", "9,vpi:0", "15,webgpu:0", "16,hexagon:0"})
  void anEventOfMemoryThatNeedsNoneIsRefused(int type, String device) {
    Pair pair = structs.onDevice(structs.ints32(1, 2), type, 0);
    pair.putArray(Abi.DeviceArray.SYNC_EVENT, 64);
    assertRefused(
        pair,
        Options.defaults(),
        InvalidStructException.class,
        "Invalid ArrowDeviceArray: sync_event 0x40 of memory on " + device + ", which has none");
  }

  /** PyArrow 26 does not set them to 0. */
  @ParameterizedTest
  @CsvSource({
    "8,metal:0",
    "12,ext_dev:0",
    "14,oneapi:0",
    "17,maia:0",
    "18,trn:0",
    "99,device_type(99):0"
  })
  void anEventOfUnknownFormIsRefusedUnread(int type, String device) {
    Pair pair = structs.onDevice(structs.ints32(1, 2), type, 0);
    pair.putArray(Abi.DeviceArray.SYNC_EVENT, UNREADABLE);
    assertRefused(
        pair,
        Options.defaults(),
        UnsupportedTypeException.class,
        "Cannot take an ArrowDeviceArray with sync_event 0x7f0000001000 of memory on "
            + device
            + ": what it points at is not known here; have its producer wait for the memory and"
            + " leave sync_event null");
  }

  @ParameterizedTest
  @CsvSource({"2", "4", "7", "10"})
  void anEventThatIsAHandleIsKept(int type) {
    Pair pair = structs.onDevice(structs.ints32(1, 2), type, 0);
    pair.putArray(Abi.DeviceArray.SYNC_EVENT, structs.longs(0x1234));
    try (DeviceColumn column = DeviceColumn.from(CDevice.take(pair.schema(), pair.array()))) {
      assertThat(column.values().ready()).isEqualTo(Ready.afterEvent(0x1234));
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "8", "16"})
  void reservedBytesAreNotLookedAt(int at) {
    Pair pair = structs.onDevice(structs.ints32(1, 2), 1, -1);
    pair.putArray(Abi.DeviceArray.RESERVED + at, 0x77L);
    try (DeviceArray array = DeviceArray.from(CDevice.take(pair.schema(), pair.array()))) {
      assertThat(array.shape()).containsExactly(2);
    }
  }

  private record Case(String message, Options options, Function<CStructs, Pair> make) {
    @Override
    public String toString() {
      return message;
    }
  }

  private static Pair ints(CStructs s, long nullCount, long validity) {
    Pair pair = new Pair(s.schema("i", "v"), s.array(3, 0, new long[] {validity, UNREADABLE + 64}));
    pair.putArray(Abi.Array.NULL_COUNT, nullCount);
    return pair;
  }

  static Stream<Case> nulls() {
    String unknown =
        "Cannot tell whether column 'v' has nulls: its null_count is not known and its validity is"
            + " on cuda:0, where the host cannot read it; ask its producer for the null_count, or"
            + " promise that there are none with Options.withNulls(Nulls.ASSUME_NONE)";
    String known =
        "Cannot hand out column 'v' with nulls: its validity is on cuda:0, where the host cannot"
            + " read it; fill them there, or transfer it to the host with the library that made it";
    return Stream.of(Nulls.REJECT, Nulls.MASK, Nulls.PROPAGATE, Nulls.fill(1))
        .map(policy -> Options.defaults().withNulls(policy))
        .flatMap(
            options ->
                Stream.of(
                    new Case(unknown, options, s -> ints(s, -1, UNREADABLE)),
                    new Case(known, options, s -> ints(s, 2, UNREADABLE))));
  }

  @ParameterizedTest
  @MethodSource("nulls")
  void nullsThatTheHostCannotSeeAreRefusedWithTheWaysOut(Case hidden) {
    Pair pair = structs.onDevice(hidden.make.apply(structs), 2, 0);
    assertRefused(pair, hidden.options, NullsException.class, hidden.message);
  }

  @Test
  void knownAndPromisedAbsenceOfNullsNeedNoLook() {
    Pair none = structs.onDevice(ints(structs, 0, UNREADABLE), 2, 0);
    DeviceColumn.from(CDevice.take(none.schema(), none.array())).close();
    Pair promised = structs.onDevice(ints(structs, -1, UNREADABLE), 2, 0);
    Options options = Options.defaults().withNulls(Nulls.ASSUME_NONE);
    DeviceColumn.from(CDevice.take(promised.schema(), promised.array()), options).close();
    Pair absent = structs.onDevice(ints(structs, -1, 0), 2, 0);
    DeviceColumn.from(CDevice.take(absent.schema(), absent.array())).close();
    assertThat(none.releases() + promised.releases() + absent.releases()).isEqualTo(3);
  }

  static Stream<Case> contents() {
    Options bytes = Options.defaults().withStorage(Storage.AS_BYTES);
    return Stream.of(
        new Case(
            "Cannot copy (BIT_PACKED) column 'v' on cuda:0: the host cannot reach it; transfer it"
                + " to the host with the library that made it",
            bytes,
            s -> new Pair(s.schema("b", "v"), s.array(3, 0, new long[] {0, UNREADABLE}))),
        new Case(
            "Cannot read the length of the bytes of column 'v' on cuda:0: the host cannot reach it;"
                + " transfer it to the host with the library that made it",
            bytes,
            s ->
                new Pair(
                    s.schema("u", "v"),
                    s.array(3, 0, new long[] {0, UNREADABLE, UNREADABLE + 64}))));
  }

  @ParameterizedTest
  @MethodSource("contents")
  void whatHadToBeReadIsRefused(Case unread) {
    Pair pair = structs.onDevice(unread.make.apply(structs), 2, 0);
    assertRefused(pair, unread.options, DeviceMismatchException.class, unread.message);
  }

  @Test
  void aReleasedDeviceArrayReleasesTheSchema() {
    Pair pair = structs.onDevice(structs.ints32(1, 2), 1, -1);
    pair.putArray(Abi.Array.RELEASE, 0);
    assertThatThrownBy(() -> CDevice.take(pair.schema(), pair.array()))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Cannot take a released ArrowDeviceArray: its release callback is null");
    assertThat(pair.schemaReleases()).isEqualTo(1);
    assertThat(RawMemory.longAt(pair.schema() + Abi.Schema.RELEASE)).isZero();
  }
}
