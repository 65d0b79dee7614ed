package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.TestNative;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.AllocationListener;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What consumers see in the structs we fill, and every order in which they may release them. */
class CDataExportTest {
  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();
  private final List<AtomicInteger> releases = new ArrayList<>();
  private long schema;
  private long array;

  @BeforeEach
  void makeStructs() {
    schema = structs.zeroed(Abi.Schema.SIZE);
    array = structs.zeroed(Abi.Array.SIZE);
  }

  @AfterEach
  void everythingWasReleasedOnce() {
    structs.close();
    assertThat(releases).as("releases of each buffer").allMatch(count -> count.get() == 1);
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private Memory owned(Memory memory) {
    AtomicInteger count = new AtomicInteger();
    releases.add(count);
    return memory.withOwner(count::incrementAndGet);
  }

  private int released() {
    return releases.stream().mapToInt(AtomicInteger::get).sum();
  }

  private DeviceArray ints(int... values) {
    return DeviceArray.from(owned(Memory.borrow(structs.ints(values), DType.INT32, values.length)));
  }

  private DeviceArray mask(int... values) {
    return DeviceArray.from(owned(Memory.borrow(structs.bytes(values), DType.BOOL, values.length)));
  }

  private void export(DeviceColumn column) {
    CData.export(column, Options.defaults(), schema, array);
    column.close();
  }

  private static long at(long struct, int offset) {
    return RawMemory.longAt(struct + offset);
  }

  private static long child(long struct, int childrenOffset, int index) {
    return RawMemory.longAt(RawMemory.longAt(struct + childrenOffset) + 8L * index);
  }

  private static String text(long address) {
    return RawMemory.cString(address, 1000);
  }

  private static void release(long struct, int offset) {
    Native.call(RawMemory.longAt(struct + offset), struct, 0, 0, 0, 0, 0);
  }

  private void releaseBoth() {
    release(schema, Abi.Schema.RELEASE);
    release(array, Abi.Array.RELEASE);
    assertThat(at(schema, Abi.Schema.RELEASE)).as("schema marked released").isZero();
    assertThat(at(array, Abi.Array.RELEASE)).as("array marked released").isZero();
  }

  @Test
  void theStructsOfAColumnAreFilled() {
    DeviceColumn column = DeviceColumn.of("größe", ints(4, 5, 6)).withValidity(mask(1, 0, 1));
    long data = column.values().address();
    export(column);
    assertThat(text(at(schema, Abi.Schema.FORMAT))).isEqualTo("i");
    assertThat(text(at(schema, Abi.Schema.NAME))).isEqualTo("größe");
    assertThat(at(schema, Abi.Schema.METADATA)).isZero();
    assertThat(at(schema, Abi.Schema.FLAGS)).isEqualTo(Abi.Schema.FLAG_NULLABLE);
    assertThat(at(schema, Abi.Schema.N_CHILDREN)).isZero();
    assertThat(at(schema, Abi.Schema.CHILDREN)).isZero();
    assertThat(at(schema, Abi.Schema.DICTIONARY)).isZero();
    assertThat(at(array, Abi.Array.LENGTH)).isEqualTo(3);
    assertThat(at(array, Abi.Array.NULL_COUNT)).isEqualTo(-1);
    assertThat(at(array, Abi.Array.OFFSET)).isZero();
    assertThat(at(array, Abi.Array.N_BUFFERS)).isEqualTo(2);
    assertThat(at(array, Abi.Array.N_CHILDREN)).isZero();
    assertThat(at(array, Abi.Array.DICTIONARY)).isZero();
    long buffers = at(array, Abi.Array.BUFFERS);
    assertThat(RawMemory.byteAt(RawMemory.longAt(buffers))).isEqualTo((byte) 0b101);
    assertThat(RawMemory.longAt(buffers + 8)).isEqualTo(data);
    releaseBoth();
  }

  @ParameterizedTest
  @CsvSource({
    "0,8,c",
    "0,16,s",
    "0,32,i",
    "0,64,l",
    "1,8,C",
    "1,16,S",
    "1,32,I",
    "1,64,L",
    "2,16,e",
    "2,32,f",
    "2,64,g",
    "6,8,c",
    "4,16,w:2",
    "5,64,w:8",
    "5,128,w:16",
    "8,8,w:1"
  })
  void eachElementTypeHasItsFormat(int code, int bits, String format) {
    DType dtype = new DType(new TypeCode(code), bits, 1);
    Memory memory = owned(Memory.borrow(structs.zeroed(64), dtype, 3));
    CData.export(memory, "v", Options.defaults(), schema, array);
    assertThat(text(at(schema, Abi.Schema.FORMAT))).isEqualTo(format);
    boolean plain = !format.startsWith("w") && code != 6;
    assertThat(at(schema, Abi.Schema.METADATA) == 0).isEqualTo(plain);
    try (DeviceArray back = DeviceArray.from(CData.take(schema, array))) {
      assertThat(back.dtype()).isEqualTo(dtype);
      assertThat(back.address()).isEqualTo(memory.address());
    }
  }

  @Test
  void moreDimensionsAreNestedFixedLists() {
    Memory memory = owned(Memory.borrow(structs.zeroed(4 * 24), DType.FLOAT32, 2, 3, 4));
    CData.export(memory, "t", Options.defaults(), schema, array);
    assertThat(text(at(schema, Abi.Schema.FORMAT))).isEqualTo("+w:3");
    long inner = child(schema, Abi.Schema.CHILDREN, 0);
    assertThat(text(at(inner, Abi.Schema.FORMAT))).isEqualTo("+w:4");
    assertThat(text(at(child(inner, Abi.Schema.CHILDREN, 0), Abi.Schema.FORMAT))).isEqualTo("f");
    long innerArray = child(array, Abi.Array.CHILDREN, 0);
    assertThat(at(innerArray, Abi.Array.LENGTH)).isEqualTo(6);
    assertThat(at(child(innerArray, Abi.Array.CHILDREN, 0), Abi.Array.LENGTH)).isEqualTo(24);
    releaseBoth();
  }

  @Test
  void theBufferLivesUntilTheArrayIsReleasedAndTheArrayMayCloseFirst() {
    export(DeviceColumn.of("v", ints(1, 2)));
    assertThat(released()).isZero();
    release(schema, Abi.Schema.RELEASE);
    assertThat(released()).isZero();
    release(array, Abi.Array.RELEASE);
    assertThat(released()).isEqualTo(1);
  }

  @Test
  void aForeignThreadMayRelease() {
    export(DeviceColumn.of("v", ints(1, 2)).withValidity(mask(1, 0)));
    assertThat(TestNative.call("on_thread", at(schema, Abi.Schema.RELEASE), schema)).isZero();
    assertThat(TestNative.call("on_thread", at(array, Abi.Array.RELEASE), array)).isZero();
    assertThat(at(array, Abi.Array.RELEASE)).isZero();
    assertThat(released()).isEqualTo(2);
  }

  @Test
  void aRelocatedStructIsReleasedInItsNewPlace() {
    export(DeviceColumn.of("v", ints(1, 2)));
    long movedSchema = structs.zeroed(Abi.Schema.SIZE);
    long movedArray = structs.zeroed(Abi.Array.SIZE);
    RawMemory.copy(schema, movedSchema, Abi.Schema.SIZE);
    RawMemory.copy(array, movedArray, Abi.Array.SIZE);
    RawMemory.fill(schema, Abi.Schema.SIZE, (byte) 0xee);
    RawMemory.fill(array, Abi.Array.SIZE, (byte) 0xee);
    release(movedSchema, Abi.Schema.RELEASE);
    release(movedArray, Abi.Array.RELEASE);
    assertThat(released()).isEqualTo(1);
  }

  @Test
  void aChildMovedOutOutlivesItsParent() {
    OwnedBatch batch =
        OwnedBatch.of(DeviceColumn.of("a", ints(1, 2)), DeviceColumn.of("b", ints(3, 4)));
    CData.export(batch, Options.defaults(), schema, array);
    batch.close();
    long movedSchema = structs.zeroed(Abi.Schema.SIZE);
    long movedArray = structs.zeroed(Abi.Array.SIZE);
    move(child(schema, Abi.Schema.CHILDREN, 1), movedSchema, Abi.Schema.SIZE, Abi.Schema.RELEASE);
    move(child(array, Abi.Array.CHILDREN, 1), movedArray, Abi.Array.SIZE, Abi.Array.RELEASE);
    releaseBoth();
    assertThat(releases.get(0)).as("column a").hasValue(1);
    assertThat(releases.get(1)).as("column b").hasValue(0);
    assertThat(text(at(movedSchema, Abi.Schema.NAME))).isEqualTo("b");
    try (DeviceArray b = DeviceArray.from(CData.take(movedSchema, movedArray))) {
      assertThat(b.byteBuffer().asIntBuffer().get(1)).isEqualTo(4);
    }
  }

  private static void move(long from, long to, int size, int releaseOffset) {
    RawMemory.copy(from, to, size);
    RawMemory.putLong(from + releaseOffset, 0);
  }

  @Test
  void aDictionaryMovedOutOutlivesItsIndices() {
    DeviceColumn words = DeviceColumn.of("words", ints(70, 80));
    export(DeviceColumn.of("d", ints(0, 1, 0)).withDictionary(words));
    long movedSchema = structs.zeroed(Abi.Schema.SIZE);
    long movedArray = structs.zeroed(Abi.Array.SIZE);
    move(at(schema, Abi.Schema.DICTIONARY), movedSchema, Abi.Schema.SIZE, Abi.Schema.RELEASE);
    move(at(array, Abi.Array.DICTIONARY), movedArray, Abi.Array.SIZE, Abi.Array.RELEASE);
    releaseBoth();
    try (DeviceArray dictionary = DeviceArray.from(CData.take(movedSchema, movedArray))) {
      assertThat(dictionary.byteBuffer().asIntBuffer().get(1)).isEqualTo(80);
    }
  }

  @Test
  void onlyIntegersOneARowAreIndices() {
    DeviceArray floats =
        DeviceArray.from(owned(Memory.borrow(structs.ints(0, 1), DType.FLOAT32, 2)));
    DeviceArray pairs =
        DeviceArray.from(owned(Memory.borrow(structs.ints(0, 1), DType.INT32, 1, 2)));
    List<DeviceColumn> others =
        List.of(
            DeviceColumn.of("d", floats),
            DeviceColumn.of("d", pairs),
            DeviceColumn.of("d", mask(0, 1)),
            DeviceColumn.of("d", ColumnKind.LIST, ints(0, 1), ints(0, 2)));
    for (DeviceColumn other : others) {
      DeviceColumn words = DeviceColumn.of("words", ints(70, 80));
      assertThatThrownBy(() -> other.withDictionary(words))
          .isInstanceOf(InterchangeException.class)
          .hasMessageStartingWith(
              "Invalid indices of column 'd': expected one dimension of integers, one a row, got "
                  + other.kind()
                  + " of DeviceArray(");
      assertThat(other.values().isClosed()).isTrue();
      assertThat(words.values().isClosed()).isTrue();
    }
    assertThat(released()).isEqualTo(releases.size());
  }

  @Test
  void aChildThatCannotBeExportedReleasesTheDictionary() {
    Device opencl = new Device(DeviceType.OPENCL, 0);
    SchemaNode ints = SchemaNode.plain("i", "v");
    Memory odd = owned(Memory.borrow(4096, DType.INT32, 1)).withDevice(opencl).withByteOffset(6);
    Memory words = owned(Memory.borrow(4096, DType.INT32, 1)).withDevice(opencl);
    ExportNode child = new ExportNode(ints, 1, Arrays.asList(null, odd), List.of(), null);
    ExportNode dictionary = new ExportNode(ints, 1, Arrays.asList(null, words), List.of(), null);
    ExportNode node =
        new ExportNode(
            SchemaNode.plain("+s", "", ints).withDictionary(ints),
            1,
            Arrays.asList((Memory) null),
            List.of(child),
            dictionary);
    long deviceArray = structs.zeroed(Abi.DeviceArray.SIZE);
    assertThatThrownBy(
            () ->
                CDataExport.writeArray(
                    node, Place.of(node), deviceArray, TakenStruct.Kind.DEVICE_ARRAY))
        .isInstanceOf(UnsupportedTypeException.class);
    assertThat(released()).isEqualTo(2);
    assertThat(at(deviceArray, Abi.Array.RELEASE)).isZero();
  }

  @Test
  void aMaskThatIsClosedMeanwhileIsReadToItsEnd() {
    DeviceArray mask = mask(1, 0, 1);
    AllocationListener closing =
        new AllocationListener() {
          @Override
          public void onPreAllocation(long size) {
            mask.close(); // as another thread might, between the checks and the copy
            assertThat(releases.get(0)).as("releases of the mask").hasValue(0);
          }
        };
    try (BufferAllocator root = new RootAllocator(closing, Long.MAX_VALUE);
        DeviceColumn column = DeviceColumn.of("v", ints(1, 2, 3)).withValidity(mask)) {
      CData.export(column, Options.defaults().withAllocator(root), schema, array);
      assertThat(mask.isClosed()).isTrue();
      assertThat(releases.get(0)).as("releases of the mask").hasValue(1);
      long bitmap = RawMemory.longAt(at(array, Abi.Array.BUFFERS));
      assertThat(RawMemory.byteAt(bitmap) & 7).isEqualTo(0b101);
      releaseBoth();
    }
  }

  @Test
  void everyExportOfOneArrayIsItsOwn() {
    try (DeviceArray values = ints(1, 2, 3)) {
      for (int i = 0; i < 3; i++) {
        CData.export(values, "v" + i, Options.defaults(), schema, array);
        releaseBoth();
      }
      assertThat(released()).isZero();
    }
  }

  @Test
  void theAllocatorsLimitLeavesNothingBehind() {
    try (BufferAllocator root = new RootAllocator();
        BufferAllocator tight = root.newChildAllocator("tight", 0, 8);
        DeviceColumn column =
            DeviceColumn.of("v", ints(new int[500])).withValidity(mask(new int[500]))) {
      Options options = Options.defaults().withAllocator(tight);
      assertThatThrownBy(() -> CData.export(column, options, schema, array))
          .isInstanceOf(OutOfMemoryException.class);
      assertThat(tight.getAllocatedMemory()).isZero();
      OwnedBatch batch = OwnedBatch.of(DeviceColumn.of("a", ints(new int[500])), column);
      assertThatThrownBy(() -> CData.export(batch, options, schema, array))
          .isInstanceOf(OutOfMemoryException.class);
      assertThat(at(array, Abi.Array.RELEASE)).isZero();
      assertThat(tight.getAllocatedMemory()).isZero();
      batch.close();
    }
  }

  @Test
  void aColumnThatCannotBeExportedLeavesNothingBehind() {
    DType halfByte = new DType(new TypeCode(17), 4, 1);
    DeviceArray packed = DeviceArray.from(owned(Memory.borrow(structs.zeroed(64), halfByte, 4)));
    try (OwnedBatch batch =
        OwnedBatch.of(
            DeviceColumn.of("a", ints(1, 2, 3, 4)).withValidity(mask(1, 0, 1, 0)),
            DeviceColumn.of("b", packed).withValidity(mask(1, 0, 1, 0)))) {
      assertThatThrownBy(() -> CData.export(batch, Options.defaults(), schema, array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("do not take whole bytes");
    }
    assertThat(released()).isEqualTo(4);
  }

  @Test
  void offsetsOfAnotherTypeAreRefusedBeforeTheyMakeAColumn() {
    DeviceArray values = DeviceArray.from(owned(Memory.borrow(structs.zeroed(4), DType.UINT8, 4)));
    DeviceArray offsets =
        DeviceArray.from(owned(Memory.borrow(structs.zeroed(64), DType.INT16, 3)));
    assertThatThrownBy(() -> DeviceColumn.of("s", ColumnKind.STRING, values, offsets))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith(
            "Invalid offsets of column 's': expected one dimension of int32 or int64, one more than"
                + " rows, got DeviceArray(shape=(3), dtype=int16");
    assertThat(values.isClosed() && offsets.isClosed()).as("both were closed").isTrue();
  }

  @Test
  void aMaskOfAnotherLengthIsRefused() {
    try (DeviceColumn column = DeviceColumn.of("v", ints(1, 2, 3)).withValidity(mask(1))) {
      assertThatThrownBy(() -> CData.export(column, Options.defaults(), schema, array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageStartingWith("Invalid validity of column 'v': expected one bool a row, got");
    }
  }

  @Test
  void memoryOfADeviceIsRefusedWhateverItsPart() {
    Device cuda = new Device(DeviceType.CUDA, 0);
    Memory onDevice = Memory.borrow(64, DType.UINT8, 4).withDevice(cuda);
    assertThatThrownBy(() -> CData.export(owned(onDevice), "v", Options.defaults(), schema, array))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("transfer it first");
    try (DeviceColumn text =
        DeviceColumn.of("s", ColumnKind.STRING, DeviceArray.from(owned(onDevice)), ints(0, 2, 4))) {
      assertThatThrownBy(() -> CData.export(text, Options.defaults(), schema, array))
          .isInstanceOf(DeviceMismatchException.class);
    }
  }

  @Test
  void aListSizeThatNoConsumerReadsIsRefused() {
    Memory memory = owned(Memory.borrow(0, DType.INT8, 0, 1L << 31));
    assertThatThrownBy(() -> CData.export(memory, "v", Options.defaults(), schema, array))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessage(
            "Cannot hold rows of 2147483648 elements in a fixed-size list: the limit is 2^31 - 1");
  }

  @Test
  void aScalarIsOneRowAndAnEmptyArrayNone() {
    CData.export(
        owned(Memory.borrow(structs.ints(7), DType.INT32)), "v", Options.defaults(), schema, array);
    assertThat(at(array, Abi.Array.LENGTH)).isEqualTo(1);
    releaseBoth();
    CData.export(owned(Memory.borrow(0, DType.INT32, 0)), "v", Options.defaults(), schema, array);
    assertThat(at(array, Abi.Array.LENGTH)).isZero();
    releaseBoth();
  }
}
