package io.arrowtensor.benchmarks;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Abi.ManagedTensorVersioned;
import io.arrowtensor.internal.Abi.Tensor;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
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

/** A foreign DLPack struct of float32 becomes an array and an Arrow vector, which is closed. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ImportBenchmark {
  @Param({"1000", "10000000"})
  private int rows;

  private BufferAllocator allocator;
  private long struct;
  private long data;

  /** Makes a struct that may be taken again and again: its deleter is called and frees nothing. */
  @Setup(Level.Trial)
  public void open() {
    NativeLibrary.require();
    allocator = new RootAllocator();
    data = Native.allocate(4L * rows, 64);
    struct = Native.allocate(ManagedTensorVersioned.SIZE + 8, 64);
    RawMemory.fill(struct, ManagedTensorVersioned.SIZE, (byte) 0);
    RawMemory.putInt(struct + ManagedTensorVersioned.MAJOR, 1);
    RawMemory.putInt(struct + ManagedTensorVersioned.MINOR, 3);
    RawMemory.putLong(
        struct + ManagedTensorVersioned.DELETER, Native.callback(Native.DLPACK_VERSIONED_DELETER));
    long tensor = struct + ManagedTensorVersioned.TENSOR;
    RawMemory.putLong(tensor + Tensor.DATA, data);
    RawMemory.putInt(tensor + Tensor.DEVICE_TYPE, 1);
    RawMemory.putInt(tensor + Tensor.NDIM, 1);
    RawMemory.putByte(tensor + Tensor.DTYPE_CODE, (byte) 2);
    RawMemory.putByte(tensor + Tensor.DTYPE_BITS, (byte) 32);
    RawMemory.putShort(tensor + Tensor.DTYPE_LANES, (short) 1);
    RawMemory.putLong(tensor + Tensor.SHAPE, struct + ManagedTensorVersioned.SIZE);
    RawMemory.putLong(struct + ManagedTensorVersioned.SIZE, rows);
  }

  /** Fails if an iteration left a byte behind. */
  @TearDown(Level.Trial)
  public void close() {
    Native.free(data);
    Native.free(struct);
    allocator.close();
  }

  /** Struct to vector, closed. */
  @Benchmark
  public long toVector() {
    try (DeviceArray array = DeviceArray.from(Dlpack.take(struct));
        FieldVector vector = Vectors.wrap(array, "v", allocator)) {
      return vector.getDataBufferAddress();
    }
  }

  /** Struct to array alone, closed. */
  @Benchmark
  public long toArray() {
    try (DeviceArray array = DeviceArray.from(Dlpack.take(struct))) {
      return array.address();
    }
  }
}
