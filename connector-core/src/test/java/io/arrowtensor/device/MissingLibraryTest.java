package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Systems without a driver, or with one that is none. */
@ExtendWith(NoLeaks.class)
class MissingLibraryTest {
  private static final Device OPENCL = new Device(DeviceType.OPENCL, 0);

  private final AtomicInteger released = new AtomicInteger();

  @AfterEach
  void forgetLibraries() {
    System.clearProperty(CudaBackend.LIBRARY_PROPERTY);
    System.clearProperty(OpenClBackend.LIBRARY_PROPERTY);
  }

  private Memory bytes() {
    return Memory.borrow(64, DType.UINT8, 1).withOwner((Runnable) released::incrementAndGet);
  }

  @Test
  void aMissingCudaDriverIsNamedWithTheRemedy() {
    System.setProperty(CudaBackend.LIBRARY_PROPERTY, "/no/such/libcuda.so.1");
    Options options = Options.defaults().withDevice(Device.cuda(0));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> DeviceArray.from(bytes(), options))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot open the CUDA driver: /no/such/libcuda.so.1: cannot open shared object file:"
                  + " No such file or directory; install NVIDIA's, or name its file with"
                  + " -Dio.arrowtensor.cuda.library=FILE");
    }
    assertThat(released).hasValue(2);
  }

  @Test
  void aMissingOpenClIsNamedWithTheRemedy() {
    System.setProperty(OpenClBackend.LIBRARY_PROPERTY, "libNoSuchOpenCL.so.1");
    assertThatThrownBy(() -> DeviceArray.from(bytes(), Options.defaults().withDevice(OPENCL)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot open OpenCL: libNoSuchOpenCL.so.1: cannot open shared object file: No such file"
                + " or directory; install a loader and a driver, such as ocl-icd-libopencl1 and"
                + " pocl-opencl-icd, or name its file with -Dio.arrowtensor.opencl.library=FILE");
    assertThat(released).hasValue(1);
  }

  @Test
  void aLibraryThatIsSomethingElseIsNamed() {
    System.setProperty(CudaBackend.LIBRARY_PROPERTY, "libm.so.6");
    assertThatThrownBy(
            () -> DeviceArray.from(bytes(), Options.defaults().withDevice(Device.cuda(0))))
        .isInstanceOf(InterchangeException.class)
        .hasMessage("Cannot find the function cuInit in libm.so.6: install a newer one");
    assertThat(released).hasValue(1);
  }

  @Test
  void memoryThatStaysNeedsNoLibrary() {
    System.setProperty(CudaBackend.LIBRARY_PROPERTY, "/no/such/libcuda.so.1");
    Memory cuda = bytes().withDevice(Device.cuda(7)).withReady(Ready.afterEvent(64));
    try (DeviceArray array = DeviceArray.from(cuda)) {
      Dlpack.delete(Dlpack.export(array, Options.defaults().withStream(Stream.NO_SYNC)));
      assertThatThrownBy(() -> Dlpack.export(array))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageStartingWith("Cannot open the CUDA driver: /no/such/libcuda.so.1");
    }
    assertThat(released).hasValue(1);
  }
}
