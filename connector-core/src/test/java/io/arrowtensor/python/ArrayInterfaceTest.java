package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Storage;
import io.arrowtensor.Stream;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.python.NumPySays.Layout;
import io.arrowtensor.python.NumPySays.TypeNames;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.Elements;
import io.arrowtensor.testing.NoLeaks;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every type in every layout as JSON, and back; NumPy's own words are the oracle. */
@ExtendWith(NoLeaks.class)
class ArrayInterfaceTest {
  private static final String NUMPY = "io.arrowtensor.python.NumPySays#";
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void arraysAreDescribedAsNumPyDescribesThem(TypeNames type, Layout layout) throws Exception {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      try (DeviceArray array = DeviceArray.from(layout.over(base, type.dtype()))) {
        JsonNode said = JSON.readTree(ArrayInterface.of(array).toJson());
        assertThat(said).isEqualTo(expected(type, layout, base));
      }
      Memory onDevice = layout.over(base, type.dtype()).withDevice(Device.cuda(1));
      try (DeviceArray array = DeviceArray.from(onDevice)) {
        JsonNode said = JSON.readTree(CudaArrayInterface.of(array).toJson());
        assertThat(said).isEqualTo(expected(type, layout, base));
      }
    }
  }

  /** NumPy's words on float32, for elements of another size; an address of 0 where it has none. */
  private static JsonNode expected(TypeNames type, Layout layout, long base) throws Exception {
    JsonNode said = layout.said().get("interface");
    long[] strides = NumPySays.longs(said.get("strides"));
    long data = layout.size() == 0 ? 0 : base + layout.start(type.itemSize());
    return JSON.readTree(
        "{\"data\":["
            + data
            + ","
            + said.get("data").get(1)
            + "],\"shape\":"
            + said.get("shape")
            + (strides == null
                ? ""
                : ",\"strides\":" + Arrays.toString(layout.strides(type.itemSize())))
            + ",\"typestr\":\""
            + type.typestr()
            + "\",\"version\":3}");
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void whatNumPyWritesIsReadInPlace(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      for (int i = 0; i < 1024; i++) {
        DlpackStruct.buffer(base, 1024).put(i, (byte) ((i * 31) >> 2));
      }
      long[] strides = NumPySays.longs(layout.said().get("interface").get("strides"));
      String json =
          "{\"data\": [%d, %b], \"strides\": %s, \"descr\": [[\"\", \"%s\"]], \"typestr\": \"%s\", \"shape\": %s, \"version\": 3}"
              .formatted(
                  base + layout.start(type.itemSize()),
                  !layout.writeable(),
                  strides == null ? null : Arrays.toString(layout.strides(type.itemSize())),
                  type.typestr(),
                  type.typestr(),
                  Arrays.toString(layout.shape()));
      try (DeviceArray array = DeviceArray.from(ArrayInterface.borrow(json));
          DeviceArray expected = DeviceArray.from(layout.over(base, type.dtype()))) {
        requireSame(array, expected);
        assertThat(array.device()).isEqualTo(Device.CPU);
        assertThat(elements(array)).isEqualTo(elements(expected));
      }
      try (DeviceArray array = DeviceArray.from(CudaArrayInterface.borrow(json, Device.cuda(1)));
          DeviceArray expected = DeviceArray.from(layout.over(base, type.dtype()))) {
        requireSame(array, expected);
        assertThat(array.device()).isEqualTo(Device.cuda(1));
      }
    }
  }

  private static void requireSame(DeviceArray array, DeviceArray expected) {
    assertThat(array.address()).isEqualTo(expected.address());
    assertThat(array.dtype()).isEqualTo(expected.dtype());
    assertThat(array.shape()).isEqualTo(expected.shape());
    assertThat(array.isReadOnly()).isEqualTo(expected.isReadOnly());
    assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(expected.nbytes()));
  }

  /** All elements in row-major order. */
  private static byte[] elements(DeviceArray array) {
    int width = array.dtype().itemSize();
    long[] strides = array.strides();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Elements.forEach(
        array.shape(),
        index ->
            bytes.writeBytes(
                Elements.read(array.address() + width * Elements.offset(index, strides), width)));
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @MethodSource(NUMPY + "refused")
  void whatTensorsDoNotHaveIsRefusedByName(JsonNode said) {
    String typestr = said.get("typestr").asText();
    String json =
        "{\"data\":[4096,false],\"shape\":[3],\"typestr\":\"" + typestr + "\",\"version\":3}";
    assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(json)))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("'" + typestr + "'")
        .hasMessageContaining(why(typestr.charAt(0) == '>' ? '>' : typestr.charAt(1)));
  }

  static String why(char kind) {
    return switch (kind) {
      case '>' -> "their bytes are not in this machine's order";
      case 'M' -> "they are dates; ask for their integers by Options.withStorage";
      case 'm' -> "they are time differences; ask for their integers by Options.withStorage";
      case 'S' -> "they are byte strings";
      case 'U' -> "they are Unicode strings";
      case 'V' -> "they are records or raw bytes";
      case 'O' -> "they are Python objects";
      default -> "they are of a kind or size that this library does not know";
    };
  }

  @Test
  void datesAreIntegersWhenAskedFor() {
    Options integers = Options.defaults().withStorage(Storage.AS_INTEGERS);
    for (String typestr : new String[] {"<M8[ns]", "<m8[25s]", "<M8"}) {
      String json = "{\"data\":[64,true],\"shape\":[3],\"typestr\":\"%s\",\"version\":3}";
      try (DeviceArray array =
          DeviceArray.from(ArrayInterface.borrow(json.formatted(typestr)), integers)) {
        assertThat(array.dtype()).isEqualTo(DType.INT64);
      }
    }
  }

  @Test
  void typesThatNumPyLacksAreNotDescribed() {
    for (DType dtype :
        new DType[] {
          DType.BFLOAT16,
          new DType(TypeCode.FLOAT8_E4M3FN, 8, 1),
          new DType(TypeCode.FLOAT4_E2M1FN, 4, 1),
          new DType(TypeCode.INT, 32, 4)
        }) {
      try (DeviceArray array = DeviceArray.from(Memory.borrow(64, dtype, 8))) {
        assertThatThrownBy(() -> ArrayInterface.of(array))
            .isInstanceOf(UnsupportedTypeException.class)
            .hasMessage(
                "Cannot describe elements of "
                    + dtype
                    + " by an array interface: NumPy has no such type; hand them over as DLPack,"
                    + " or as integers of that width");
      }
    }
  }

  @Test
  void eachInterfaceDescribesItsOwnDevices() {
    for (DeviceType type :
        new DeviceType[] {
          DeviceType.CPU,
          DeviceType.CUDA,
          DeviceType.CUDA_HOST,
          DeviceType.CUDA_MANAGED,
          DeviceType.ROCM,
          DeviceType.OPENCL
        }) {
      Memory memory = Memory.borrow(4096, DType.INT8, 8).withDevice(new Device(type, 0));
      try (DeviceArray array = DeviceArray.from(memory)) {
        if (type.isHostAccessible()) {
          assertThat(ArrayInterface.of(array).address()).isEqualTo(4096);
        } else {
          assertThatThrownBy(() -> ArrayInterface.of(array))
              .isInstanceOf(DeviceMismatchException.class)
              .hasMessageContaining("the host cannot reach it; use CudaArrayInterface");
        }
        if (type.toString().startsWith("cuda")) {
          assertThat(CudaArrayInterface.of(array).description().address()).isEqualTo(4096);
        } else {
          assertThatThrownBy(() -> CudaArrayInterface.of(array))
              .isInstanceOf(DeviceMismatchException.class)
              .hasMessageContaining("CUDA does not know it; transfer it with Options.withDevice");
        }
      }
    }
  }

  @Test
  void columnsOfListsAreNoOneArray() {
    DeviceArray values = DeviceArray.from(Memory.borrow(4096, DType.INT8, 8));
    DeviceArray offsets = DeviceArray.from(Memory.borrow(8192, DType.INT32, 3));
    try (DeviceColumn column = DeviceColumn.of("words", ColumnKind.LIST, values, offsets)) {
      assertThatThrownBy(() -> ArrayInterface.of(column))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage(
              "Cannot describe column 'words' by one array interface: it has offsets; describe its"
                  + " arrays one by one");
    }
  }

  @Test
  void validityIsOneBoolARowBesideTheValues() {
    Memory values = Memory.borrow(4096, DType.INT8, 8);
    for (Memory validity :
        new Memory[] {
          Memory.borrow(8192, DType.BOOL, 7),
          Memory.borrow(8192, DType.UINT8, 8),
          Memory.borrow(8192, DType.BOOL, 8, 1),
          Memory.borrow(8192, DType.BOOL, 8).withDevice(Device.cuda(0))
        }) {
      try (DeviceColumn column =
          DeviceColumn.of("n", DeviceArray.from(values)).withValidity(DeviceArray.from(validity))) {
        assertThatThrownBy(() -> ArrayInterface.of(column))
            .isInstanceOf(UnsupportedTypeException.class)
            .hasMessageStartingWith(
                "Invalid validity of column 'n': expected one bool a row on the device of the"
                    + " values, got DeviceArray(");
      }
    }
  }

  @Test
  void descriptionsAreEqualWhenTheySayTheSame() {
    ArrayInterface one = ArrayInterface.bitmap(64, 9);
    assertThat(one).isEqualTo(ArrayInterface.parse(one.toJson())).hasSameHashCodeAs(one.toJson());
    assertThat(one).isNotEqualTo(ArrayInterface.bitmap(64, 10)).isNotEqualTo(one.withMask(one));
    assertThat(new CudaArrayInterface(one, Stream.DEFAULT))
        .isEqualTo(new CudaArrayInterface(ArrayInterface.bitmap(64, 9), Stream.DEFAULT));
  }
}
