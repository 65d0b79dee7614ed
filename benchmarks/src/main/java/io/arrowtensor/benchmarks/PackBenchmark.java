package io.arrowtensor.benchmarks;

import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Element;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Strided;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * Eight float columns into one row-major matrix, against a copy of as many bytes: what packing
 * costs beyond moving the bytes. All write the same memory, which is allocated once.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
@State(Scope.Thread)
public class PackBenchmark {
  private static final int COLUMNS = 8;
  private static final int WIDTH = 4;
  private static final int TILE_ROWS = 1024;

  @Param({"4096", "1000000"})
  int rows;

  private long source;
  private long target;
  private long addresses;
  private LongBuffer matrix = LongBuffer.allocate(0);
  private final IntBuffer[] columns = new IntBuffer[COLUMNS];
  private final List<Strided> doubles = new ArrayList<>();

  /** Columns behind one another in one slab, so that memcpy reads the very same bytes. */
  @Setup
  public void allocate() {
    long bytes = (long) rows * COLUMNS * WIDTH;
    source = Native.allocate(2 * bytes, 4096);
    target = Native.allocate(bytes, 4096);
    addresses = Native.allocate(8L * COLUMNS, 64);
    for (long i = 0; i < 2 * bytes; i += 8) {
      RawMemory.putDouble(source + i, (double) i);
    }
    RawMemory.fill(target, bytes, (byte) 0);
    matrix = Native.byteBuffer(target, bytes).order(ByteOrder.nativeOrder()).asLongBuffer();
    for (int c = 0; c < COLUMNS; c++) {
      long column = source + (long) c * rows * WIDTH;
      RawMemory.putLong(addresses + 8L * c, column);
      columns[c] =
          Native.byteBuffer(column, (long) rows * WIDTH)
              .order(ByteOrder.nativeOrder())
              .asIntBuffer();
      doubles.add(new Strided(source + 8L * c * rows, 8, Element.FLOAT64, "column " + c));
    }
  }

  @TearDown
  public void free() {
    Native.free(source);
    Native.free(target);
    Native.free(addresses);
  }

  /** The bound: the same bytes moved without reordering. */
  @Benchmark
  public void memcpy() {
    BulkCopy.copy(source, target, (long) rows * COLUMNS * WIDTH);
  }

  /** The kernel in C that packing uses. */
  @Benchmark
  public void packInC() {
    Native.interleave(addresses, COLUMNS, rows, WIDTH, target);
  }

  /** The fastest of several loops in Java: two floats in one long, four columns at a time. */
  @Benchmark
  public void packInJava() {
    for (int row = 0; row < rows; row += TILE_ROWS) {
      int end = Math.min(rows, row + TILE_ROWS);
      fourColumns(0, row, end);
      fourColumns(4, row, end);
    }
  }

  private void fourColumns(int first, int row, int end) {
    IntBuffer a = columns[first];
    IntBuffer b = columns[first + 1];
    IntBuffer c = columns[first + 2];
    IntBuffer d = columns[first + 3];
    LongBuffer out = matrix;
    for (int i = row; i < end; i++) {
      int at = i * (COLUMNS / 2) + first / 2;
      out.put(at, (a.get(i) & 0xffff_ffffL) | (long) b.get(i) << 32);
      out.put(at + 1, (c.get(i) & 0xffff_ffffL) | (long) d.get(i) << 32);
    }
  }

  /** Eight double columns cast to float on the way, twice the bytes in. */
  @Benchmark
  public void castToFloat() {
    BulkCopy.packInto(doubles, rows, Element.FLOAT32, target);
  }
}
