package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.device.SharedMemory;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.python.ArrayInterface;
import io.arrowtensor.python.CudaArrayInterface;
import io.arrowtensor.python.PyArrayInterface;
import io.arrowtensor.python.PyBuffer;
import io.arrowtensor.testing.NoLeaks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The examples of docs/interchange.md, which shows nothing else. */
@ExtendWith(NoLeaks.class)
class InterchangeExamplesTest {
  private static final Path PAGE = Path.of("../docs/interchange.md");

  private final AtomicInteger releases = new AtomicInteger();
  private Float4Vector prices;

  @BeforeEach
  void fill(BufferAllocator allocator) {
    prices = new Float4Vector("price", allocator);
    prices.allocateNew(3);
    for (int i = 0; i < 3; i++) {
      prices.set(i, i + 0.5f);
    }
    prices.setValueCount(3);
  }

  @AfterEach
  void close() {
    prices.close();
  }

  @Test
  void dlpack(BufferAllocator allocator) {
    long struct = Dlpack.export(Vectors.view(prices)); // for a consumer, who calls its deleter
    try (DeviceArray array = DeviceArray.from(Dlpack.take(struct));
        FieldVector vector = Vectors.wrap(array, "price", allocator)) {
      assertThat(vector.getDataBufferAddress()).isEqualTo(prices.getDataBufferAddress());
    } // the deleter has run, once
  }

  @Test
  void cData(BufferAllocator allocator) {
    try (ArrowBuf structs = allocator.buffer(72 + 80)) { // yours: an ArrowSchema and an ArrowArray
      long schema = structs.memoryAddress();
      long array = schema + 72;
      CData.export(Vectors.view(prices), "price", Options.defaults(), schema, array);
      try (DeviceArray taken = DeviceArray.from(CData.take(schema, array))) {
        assertThat(taken.address()).isEqualTo(prices.getDataBufferAddress());
      }
    }
  }

  @Test
  void cDevice(BufferAllocator allocator) {
    try (ArrowBuf structs = allocator.buffer(72 + 128)) { // an ArrowSchema and an ArrowDeviceArray
      long schema = structs.memoryAddress();
      long array = schema + 72;
      CDevice.export(Vectors.view(prices), "price", Options.defaults(), schema, array);
      try (DeviceArray taken = DeviceArray.from(CDevice.take(schema, array))) {
        assertThat(taken.device()).isEqualTo(Device.CPU);
      }
    }
  }

  @Test
  void cStreams(BufferAllocator allocator) {
    try (ArrowBuf struct = allocator.buffer(40); // an ArrowArrayStream
        VectorSchemaRoot root = VectorSchemaRoot.of(prices);
        OwnedBatch batch = DeviceBatch.from(Vectors.view(root))) {
      CData.exportStream(batch, Options.defaults(), struct.memoryAddress());
      try (BatchStream stream = CData.takeStream(struct.memoryAddress(), Options.defaults());
          OwnedBatch first = stream.next()) {
        assertThat(first.column("price").array().address())
            .isEqualTo(prices.getDataBufferAddress());
        assertThat(stream.next()).isNull();
      }
    }
  }

  @Test
  void arrayInterface() {
    try (DeviceArray array = DeviceArray.from(Vectors.view(prices))) { // open while it is described
      String json = ArrayInterface.of(array).toJson();
      assertThat(json).contains("\"shape\":[3],\"typestr\":\"<f4\"");
      try (DeviceArray back =
          DeviceArray.from(ArrayInterface.borrow(json, releases::incrementAndGet))) {
        assertThat(back.address()).isEqualTo(array.address());
      }
      assertThat(releases).hasValue(1);
    }
  }

  @Test
  void cudaArrayInterface() {
    String json =
        "{\"data\":[4096,false],\"shape\":[2,3],\"typestr\":\"<f4\",\"version\":3,\"stream\":1}";
    Device gpu = new Device(DeviceType.CUDA, 0); // the interface does not say which device
    try (DeviceArray array =
        DeviceArray.from(CudaArrayInterface.borrow(json, gpu, releases::incrementAndGet))) {
      assertThat(array.device()).isEqualTo(gpu);
    }
    assertThat(releases).hasValue(1);
  }

  @Test
  void pyArrayInterface() {
    long struct = PyArrayInterface.export(Vectors.view(prices));
    try (DeviceArray array =
        DeviceArray.from(PyArrayInterface.borrow(struct, () -> PyArrayInterface.delete(struct)))) {
      assertThat(array.address()).isEqualTo(prices.getDataBufferAddress());
    }
  }

  @Test
  void pyBuffer(BufferAllocator allocator) {
    try (ArrowBuf struct = allocator.buffer(80)) { // a Py_buffer
      long address = struct.memoryAddress();
      PyBuffer.fill(address, Vectors.view(prices), 0x11c); // PyBUF_FULL_RO
      try (DeviceArray array =
          DeviceArray.from(PyBuffer.borrow(address, () -> PyBuffer.release(address)))) {
        assertThat(array.dtype()).isEqualTo(DType.FLOAT32);
      }
    }
  }

  @Test
  void directBuffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    try (DeviceArray array = DeviceArray.from(Memory.view(buffer, DType.FLOAT64, 3))) {
      buffer.putDouble(16, 2.5);
      assertThat(array.byteBuffer().getDouble(16)).isEqualTo(2.5);
    }
  }

  @Test
  void sharedMemory() {
    try (SharedMemory mine = SharedMemory.create(24);
        DeviceArray scores = DeviceArray.from(mine.array(0, DType.FLOAT64, 3))) {
      // in another process, which was told the two numbers and the size:
      try (SharedMemory theirs =
              SharedMemory.open(mine.pid(), mine.fd(), mine.bytes(), Access.READ_ONLY);
          DeviceArray seen = DeviceArray.from(theirs.array(0, DType.FLOAT64, 3))) {
        scores.byteBuffer().putDouble(16, 2.5);
        assertThat(seen.byteBuffer().getDouble(16)).isEqualTo(2.5);
      }
    } // the kernel frees it with the last mapping
  }

  @Test
  void thePageShowsTheseExamples() throws IOException {
    Path sources = Path.of("src/test/java");
    String here =
        Files.readString(
            sources.resolve(InterchangeExamplesTest.class.getName().replace('.', '/') + ".java"));
    List<String> shown =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(PAGE))
            .results()
            .map(block -> block.group(1))
            .toList();
    assertThat(shown).hasSizeGreaterThanOrEqualTo(10);
    assertThat(shown).allSatisfy(block -> assertThat(squeezed(here)).contains(squeezed(block)));
  }

  @Test
  void thePageNamesTestsThatAreThere() throws IOException {
    List<String> named =
        Pattern.compile("`(\\w+Test)`")
            .matcher(Files.readString(PAGE))
            .results()
            .map(name -> name.group(1) + ".java")
            .toList();
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      assertThat(files.map(file -> file.getFileName().toString()).toList()).containsAll(named);
    }
    assertThat(named).hasSizeGreaterThan(10);
  }

  private static String squeezed(String text) {
    return text.replaceAll("\\s+", "");
  }
}
