package io.arrowtensor.benchmarks;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.dlpack.Dlpack;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Memory of the host goes to {@code cuda:0} and back, and memory there to an engine. Needs one. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CudaTransferBenchmark {
  private static final Options TO_DEVICE = Options.defaults().withDevice(Device.cuda(0));
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);
  private static final Options PINNED =
      Options.defaults().withDevice(new Device(DeviceType.CUDA_HOST, 0));

  @Param({"4096", "262144", "16777216", "268435456"})
  private int bytes;

  private DeviceArray host;
  private DeviceArray pinned;
  private DeviceArray device;

  /** Arrays on both sides. */
  @Setup(Level.Trial)
  public void open() {
    host = DeviceArray.from(Memory.allocate(DType.UINT8, bytes));
    pinned = DeviceArray.from(host, PINNED);
    device = DeviceArray.from(host, TO_DEVICE);
  }

  /** Frees them. */
  @TearDown(Level.Trial)
  public void close() {
    device.close();
    pinned.close();
    host.close();
  }

  /** New memory on the device, the copy, and the memory is freed. */
  @Benchmark
  public long toDevice() {
    try (DeviceArray copy = DeviceArray.from(host, TO_DEVICE)) {
      return copy.address();
    }
  }

  /** As {@link #toDevice}, from pinned memory. */
  @Benchmark
  public long pinnedToDevice() {
    try (DeviceArray copy = DeviceArray.from(pinned, TO_DEVICE)) {
      return copy.address();
    }
  }

  /** New memory on the host, the copy, and the memory is freed. */
  @Benchmark
  public long toHost() {
    try (DeviceArray copy = DeviceArray.from(device, TO_HOST)) {
      return copy.address();
    }
  }

  /** The struct that an engine takes, and its deleter: nothing moves. */
  @Benchmark
  public void handOver() {
    Dlpack.delete(Dlpack.export(device));
  }
}
