package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchStream;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Stream;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** C Device structs of the host, and of devices whose memory nobody here could read. */
class CDeviceTest {
  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private static DeviceArray take(Pair pair) {
    return DeviceArray.from(CDevice.take(pair.schema(), pair.array()));
  }

  @ParameterizedTest
  @CsvSource({
    "1,-1,cpu",
    "1,0,cpu",
    "2,0,cuda:0",
    "2,3,cuda:3",
    "3,0,cuda_host:0",
    "3,-1,cuda_host:0",
    "4,1,opencl:1",
    "10,2,rocm:2",
    "13,1,cuda_managed:1",
    "99,5,device_type(99):5"
  })
  void takesAnArrayWhereverItIs(int type, long id, String device) {
    Pair host = structs.ints32(5, 6, 7);
    long data = RawMemory.longAt(RawMemory.longAt(host.array() + Abi.Array.BUFFERS) + 8);
    Pair pair = structs.onDevice(host, type, id);
    DeviceArray array = take(pair);
    assertThat(pair.isEmptied()).isTrue();
    assertThat(array.device()).hasToString(device);
    assertThat(array.dtype()).isEqualTo(DType.INT32);
    assertThat(array.shape()).containsExactly(3);
    assertThat(array.address()).isEqualTo(data);
    assertThat(array.outcome().isZeroCopy()).isTrue();
    assertThat(pair.arrayReleases()).isZero();
    array.close();
    assertThat(pair.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"1,0", "2,0", "2,7", "3,1", "4,2", "10,0", "77,4"})
  void anExportSaysWhereItIsAndComesBack(int type, int id) {
    Device device = new Device(new DeviceType(type), id);
    Memory memory = Memory.borrow(structs.ints(1, 2, 3), DType.INT32, 3).withDevice(device);
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    RawMemory.fill(array, Abi.DeviceArray.SIZE, (byte) 0xee);
    CDevice.export(memory, "v", Options.defaults(), schema, array);
    assertThat(RawMemory.intAt(array + Abi.DeviceArray.DEVICE_TYPE)).isEqualTo(type);
    assertThat(RawMemory.longAt(array + Abi.DeviceArray.DEVICE_ID)).isEqualTo(type == 1 ? -1 : id);
    assertThat(RawMemory.longAt(array + Abi.DeviceArray.SYNC_EVENT)).isZero();
    for (int at = Abi.DeviceArray.RESERVED; at < Abi.DeviceArray.SIZE; at += 8) {
      assertThat(RawMemory.longAt(array + at)).as("reserved").isZero();
    }
    try (DeviceArray back = DeviceArray.from(CDevice.take(schema, array))) {
      assertThat(back.device()).isEqualTo(device);
      assertThat(back.address()).isEqualTo(memory.address());
    }
  }

  @Test
  void aBatchOnADeviceGoesThroughWithoutBeingRead() {
    Device cuda = Device.cuda(1);
    long unreadable = 0x7f00_0000_1000L;
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    try (OwnedBatch batch =
        OwnedBatch.of(
            DeviceColumn.of("a", on(cuda, unreadable, DType.FLOAT32, 6)),
            DeviceColumn.of("b", on(cuda, unreadable + 64, DType.BFLOAT16, 6, 2)))) {
      CDevice.export(batch, Options.defaults(), schema, array);
    }
    try (OwnedBatch back = DeviceBatch.from(CDevice.take(schema, array))) {
      assertThat(back.column("a").values().address()).isEqualTo(unreadable);
      assertThat(back.column("b").values().address()).isEqualTo(unreadable + 64);
      assertThat(back.column("b").values().shape()).containsExactly(6, 2);
      assertThat(back.column("b").values().dtype()).isEqualTo(DType.BFLOAT16);
      assertThat(back.column("b").values().device()).isEqualTo(cuda);
    }
  }

  private static DeviceArray on(Device device, long address, DType dtype, long... shape) {
    return DeviceArray.from(Memory.borrow(address, dtype, shape).withDevice(device));
  }

  @Test
  void anArrayThatTheHostCannotReachBecomesNoHostArray() {
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.Array.SIZE);
    try (DeviceArray cuda = on(Device.cuda(0), 4096, DType.INT32, 3)) {
      assertThatThrownBy(() -> CData.export(cuda, "v", Options.defaults(), schema, array))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot export as C Data (CDevice can) memory on cuda:0: the host cannot reach it;"
                  + " transfer it first, with DeviceArray.from(array,"
                  + " Options.defaults().withDevice(Device.CPU))");
    }
    assertThat(RawMemory.longAt(array + Abi.Array.RELEASE)).isZero();
    assertThat(RawMemory.longAt(schema + Abi.Schema.RELEASE)).isZero();
  }

  @Test
  void aBatchOnSeveralDevicesIsRefused() {
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    DeviceArray host = DeviceArray.from(Memory.borrow(structs.ints(1, 2), DType.INT32, 2));
    try (OwnedBatch batch =
        OwnedBatch.of(
            DeviceColumn.of("a", on(Device.cuda(0), 4096, DType.INT32, 2)),
            DeviceColumn.of("b", host))) {
      assertThatThrownBy(() -> CDevice.export(batch, Options.defaults(), schema, array))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot export the array as one ArrowDeviceArray: its buffers are on [cuda:0, cpu];"
                  + " transfer them to one device, or export each column on its own");
    }
    assertThat(RawMemory.longAt(array + Abi.Array.RELEASE)).isZero();
    assertThat(RawMemory.longAt(schema + Abi.Schema.RELEASE)).isZero();
  }

  @Test
  void pinnedAndPlainMemoryTogetherIsTheHosts() {
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    long data = structs.ints(1, 2);
    Device pinned = new Device(DeviceType.CUDA_HOST, 0);
    DeviceArray mask = DeviceArray.from(Memory.borrow(structs.bytes(1, 0), DType.BOOL, 2));
    try (DeviceColumn column =
        DeviceColumn.of("a", on(pinned, data, DType.INT32, 2)).withValidity(mask)) {
      CDevice.export(column, Options.defaults(), schema, array);
    }
    Options masked = Options.defaults().withNulls(Nulls.MASK);
    try (DeviceColumn back = DeviceColumn.from(CDevice.take(schema, array), masked)) {
      assertThat(back.values().device()).isEqualTo(Device.CPU);
      assertThat(back.values().address()).isEqualTo(data);
      assertThat(back.validity().byteBuffer().get(1)).isZero();
    }
  }

  @Test
  void slicesAreAddressesWhereThereAreAny() {
    Pair sliced = structs.ints32(5, 6, 7);
    sliced.putArray(Abi.Array.OFFSET, 2);
    sliced.putArray(Abi.Array.LENGTH, 1);
    long data = RawMemory.longAt(RawMemory.longAt(sliced.array() + Abi.Array.BUFFERS) + 8);
    try (DeviceArray cuda = take(structs.onDevice(sliced, 2, 0))) {
      assertThat(cuda.address()).isEqualTo(data + 8);
      assertThat(cuda.byteOffset()).isZero();
    }
  }

  @Test
  void slicesBehindAHandleKeepTheirOffsetBothWays() {
    Pair sliced = structs.ints32(5, 6, 7);
    sliced.putArray(Abi.Array.OFFSET, 2);
    sliced.putArray(Abi.Array.LENGTH, 1);
    long handle = RawMemory.longAt(RawMemory.longAt(sliced.array() + Abi.Array.BUFFERS) + 8);
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    try (DeviceArray buffer = take(structs.onDevice(sliced, 4, 0))) {
      assertThat(buffer.address()).isEqualTo(handle);
      assertThat(buffer.byteOffset()).isEqualTo(8);
      CDevice.export(buffer, "v", Options.defaults(), schema, array);
    }
    assertThat(RawMemory.longAt(array + Abi.Array.OFFSET)).isEqualTo(2);
    long buffers = RawMemory.longAt(array + Abi.Array.BUFFERS);
    assertThat(RawMemory.longAt(buffers + 8)).isEqualTo(handle);
    try (DeviceArray back = DeviceArray.from(CDevice.take(schema, array))) {
      assertThat(back.byteOffset()).isEqualTo(8);
    }
    Memory odd =
        Memory.borrow(handle, DType.INT32, 1)
            .withDevice(new Device(DeviceType.OPENCL, 0))
            .withByteOffset(6);
    assertThatThrownBy(() -> CDevice.export(odd, "v", Options.defaults(), schema, array))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageStartingWith(
            "Cannot export memory on opencl:0 that begins 6 bytes behind its handle");
  }

  @Test
  void listsOnADeviceGoThroughUnread() {
    long unreadable = 0x7f00_0000_2000L;
    long child = structs.array(9, 0, new long[] {0, unreadable});
    Pair lists =
        new Pair(
            structs.schema("+l", "l", structs.schema("f", "item")),
            structs.array(3, 1, new long[] {0, unreadable + 256}, child));
    Pair pair = structs.onDevice(lists, 2, 0);
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    try (DeviceColumn column = DeviceColumn.from(CDevice.take(pair.schema(), pair.array()))) {
      assertThat(column.rowCount()).isEqualTo(3);
      assertThat(column.offsets().address()).isEqualTo(unreadable + 260);
      assertThat(column.values().address()).isEqualTo(unreadable);
      assertThat(column.values().size()).isEqualTo(9);
      CDevice.export(column, Options.defaults(), schema, array);
    }
    try (DeviceColumn back = DeviceColumn.from(CDevice.take(schema, array))) {
      assertThat(back.offsets().address()).isEqualTo(unreadable + 260);
      assertThat(back.values().device()).isEqualTo(Device.cuda(0));
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  private Pair emptyLists(String format, long offsets) {
    long child = structs.array(0, 0, new long[] {0, 0});
    Pair lists =
        new Pair(
            structs.schema(format, "l", structs.schema("f", "item")),
            structs.array(0, offsets == 0 ? 0 : 2, new long[] {0, offsets}, child));
    return structs.onDevice(lists, 2, 0);
  }

  @ParameterizedTest
  @CsvSource({"+l,8", "+L,16"})
  void emptyListsOnADeviceStayThere(String format, long first) {
    long unreadable = 0x7f00_0000_2000L;
    long schema = structs.zeroed(Abi.Schema.SIZE);
    long array = structs.zeroed(Abi.DeviceArray.SIZE);
    Pair pair = emptyLists(format, unreadable);
    try (DeviceColumn column = DeviceColumn.from(CDevice.take(pair.schema(), pair.array()))) {
      assertThat(column.rowCount()).isZero();
      assertThat(column.offsets().device()).isEqualTo(Device.cuda(0));
      assertThat(column.offsets().address()).isEqualTo(unreadable + first);
      assertThat(column.offsets().size()).isEqualTo(1);
      CDevice.export(column, Options.defaults(), schema, array);
    }
    assertThat(RawMemory.intAt(array + Abi.DeviceArray.DEVICE_TYPE)).isEqualTo(2);
    DeviceColumn.from(CDevice.take(schema, array)).close();
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aStreamOfADeviceRelaysAnEmptyBatchOfLists() {
    long child = structs.array(0, 0, new long[] {0, 0});
    long lists = structs.array(0, 0, new long[] {0, 0x7f00_0000_2000L}, child);
    Pair pair =
        structs.onDevice(
            new Pair(
                structs.schema("+s", "", structs.schema("+l", "l", structs.schema("f", "item"))),
                structs.array(0, 0, new long[] {0}, lists)),
            2,
            0);
    long stream = structs.zeroed(Abi.DeviceArrayStream.SIZE);
    OwnedBatch batch = DeviceBatch.from(CDevice.take(pair.schema(), pair.array()));
    CDevice.exportStream(BatchStream.of(batch), DeviceType.CUDA, Options.defaults(), stream);
    try (BatchStream back = CDevice.takeStream(stream, Options.defaults());
        OwnedBatch relayed = back.next()) {
      assertThat(relayed.column("l").offsets().device()).isEqualTo(Device.cuda(0));
      assertThat(back.next()).isNull();
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"0,cpu", "8192,cuda:0"})
  void emptyListsAreTakenForAStreamOfTheirDevice(long offsets, String device) {
    Options options = Options.defaults().withStream(Stream.ofHandle(0x5000));
    Pair pair = emptyLists("+l", offsets);
    try (DeviceColumn column =
        DeviceColumn.from(CDevice.take(pair.schema(), pair.array()), options)) {
      assertThat(column.offsets().device()).hasToString(device);
      assertThat(column.values().device()).isEqualTo(Device.cuda(0));
    }
    assertThat(pair.releases()).isEqualTo(1);
  }
}
