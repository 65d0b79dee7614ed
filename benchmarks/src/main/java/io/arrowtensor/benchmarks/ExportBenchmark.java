package io.arrowtensor.benchmarks;

import io.arrowtensor.Options;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.types.Types;
import org.apache.arrow.vector.types.pojo.FieldType;
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

/**
 * One float32 vector to C and back: the struct is filled, its callback is called from C through its
 * pointer, the memory is given back. No row is null; a nullable field does not say so, which takes
 * a look at its bitmap.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--add-opens=java.base/java.nio=ALL-UNNAMED") // for arrow-c-data
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ExportBenchmark {
  @Param({"1000", "10000000"})
  private int rows;

  @Param({"false", "true"})
  private boolean nullable;

  private BufferAllocator allocator;
  private Float4Vector vector;
  private ArrowSchema schema;
  private ArrowArray array;

  /** Makes the vector and, for the C Data Interface, the two structs. */
  @Setup(Level.Trial)
  public void open() {
    allocator = new RootAllocator();
    vector =
        new Float4Vector(
            "v", new FieldType(nullable, Types.MinorType.FLOAT4.getType(), null), allocator);
    vector.allocateNew(rows);
    for (int i = 0; i < rows; i++) {
      vector.set(i, i);
    }
    vector.setValueCount(rows);
    schema = ArrowSchema.allocateNew(allocator);
    array = ArrowArray.allocateNew(allocator);
  }

  /** Fails if an iteration left a byte behind. */
  @TearDown(Level.Trial)
  public void close() {
    vector.close();
    schema.close();
    array.close();
    allocator.close();
  }

  /** This library's DLPack struct. */
  @Benchmark
  public long dlpack() {
    long struct = Dlpack.export(Vectors.view(vector));
    long deleter = RawMemory.longAt(struct + Abi.ManagedTensorVersioned.DELETER);
    return Native.call(deleter, struct, 0, 0, 0, 0, 0);
  }

  /** This library's C Data structs. */
  @Benchmark
  public void cData() {
    long schemaAddress = schema.memoryAddress();
    long arrayAddress = array.memoryAddress();
    CData.export(Vectors.view(vector), "v", Options.defaults(), schemaAddress, arrayAddress);
    schema.release();
    array.release();
  }

  /** Arrow's own C Data structs. */
  @Benchmark
  public void arrowCData() {
    Data.exportVector(allocator, vector, null, array, schema);
    schema.release();
    array.release();
  }
}
