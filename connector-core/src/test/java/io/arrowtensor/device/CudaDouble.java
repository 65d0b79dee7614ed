package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Stream;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.TestNative;
import java.util.List;

/**
 * The double of NVIDIA's driver library ({@code cuda_double.c}) in place of the real one, until it
 * is closed. Then no device memory, no event and no pushed context may be left.
 */
final class CudaDouble implements AutoCloseable {
  /** Takes the real library's place. */
  CudaDouble() {
    System.setProperty(CudaBackend.LIBRARY_PROPERTY, TestNative.file().toString());
    TestNative.call("cuda_double_reset");
  }

  /** A stream that somebody else made. */
  Stream stream(int index) {
    return Stream.ofHandle(TestNative.call("cuda_double_stream", index));
  }

  /** A device array of the bytes 0 to {@code size} - 1. */
  static DeviceArray counting(Device device, int size) {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, size))) {
      for (int i = 0; i < size; i++) {
        host.byteBuffer().put(i, (byte) i);
      }
      return DeviceArray.from(host, Options.defaults().withDevice(device));
    }
  }

  /** Work of an engine on {@code stream}, done when somebody waits for it: fills with a byte. */
  void fillLater(Stream stream, DeviceArray array, int value) {
    long status =
        TestNative.call(
            "cuda_double_write_later", stream.handle(), array.address(), value, array.nbytes());
    assertThat(status).isZero();
  }

  /** The same on the calling thread's own stream. */
  void fillLaterOnThisThread(DeviceArray array, int value) {
    TestNative.call("cuda_double_push", array.device().id());
    fillLater(Stream.PER_THREAD, array, value);
    TestNative.call("cuda_double_pop");
  }

  /** The byte at {@code index} that the device has now. */
  byte peek(DeviceArray array, int index) {
    return peek(array.address() + index);
  }

  byte peek(long address) {
    long out = Native.allocate(8, 8);
    TestNative.call("cuda_double_peek", address, out, 1);
    byte value = RawMemory.byteAt(out);
    Native.free(out);
    return value;
  }

  /** What has been called since the last time this was asked, without pushes and pops. */
  List<String> calls() {
    String text = RawMemory.cString(TestNative.call("cuda_double_calls"), 1 << 14);
    TestNative.call("cuda_double_forget_calls");
    return text.lines().filter(name -> !name.startsWith("cuCtx")).toList();
  }

  /** Lets each call of {@code function} fail. */
  void fail(String function, int status) {
    long name = TestNative.cString(function);
    TestNative.call("cuda_double_fail", name, status);
    Native.free(name);
  }

  int liveEvents() {
    return (int) TestNative.call("cuda_double_live_events");
  }

  @Override
  public void close() {
    System.clearProperty(CudaBackend.LIBRARY_PROPERTY);
    assertThat(TestNative.call("cuda_double_allocations")).as("device memory left").isZero();
    assertThat(liveEvents()).as("events left").isZero();
    assertThat(TestNative.call("cuda_double_depth")).as("contexts left").isZero();
  }
}
