package io.arrowtensor.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchContext;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.Element;
import io.arrowtensor.internal.ElementSlot;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/** One task with an allocator of its own, which must be empty when the task is closed. */
final class ScoringTask implements BatchContext, AutoCloseable {
  final List<Outcome> outcomes = new CopyOnWriteArrayList<>();
  final AtomicInteger modelLoads = new AtomicInteger();
  private final List<Runnable> onCancel = new CopyOnWriteArrayList<>();
  private final BufferAllocator allocator = new RootAllocator();
  private final long heldBefore = NativeBytes.held();
  private volatile boolean cancelled;

  static URI model(String name) {
    try {
      return Objects.requireNonNull(ScoringTask.class.getResource("/onnx/" + name)).toURI();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** A column of {@code values}, or of rows of {@code rowShape}. */
  DeviceColumn column(String name, DType dtype, double[] values, long... rowShape) {
    long rowSize = 1;
    for (long dim : rowShape) {
      rowSize *= dim;
    }
    long[] shape = new long[rowShape.length + 1];
    shape[0] = values.length / rowSize;
    System.arraycopy(rowShape, 0, shape, 1, rowShape.length);
    DeviceArray array = DeviceArray.from(Memory.allocate(dtype, shape), options());
    for (int i = 0; i < values.length; i++) {
      ElementSlot.put(
          Element.of(dtype, name), array.address() + (long) i * dtype.itemSize(), values[i]);
    }
    try (array) {
      return DeviceColumn.of(name, DeviceArray.from(array)); // a view: memory found as it is
    }
  }

  DeviceColumn floats(String name, double... values) {
    return column(name, DType.FLOAT32, values);
  }

  DeviceColumn longs(String name, double... values) {
    return column(name, DType.INT64, values);
  }

  DeviceColumn strings(String name, String... rows) {
    byte[][] texts = new byte[rows.length][];
    int bytes = 0;
    for (int i = 0; i < rows.length; i++) {
      texts[i] = rows[i].getBytes(StandardCharsets.UTF_8);
      bytes += texts[i].length;
    }
    DeviceArray values = DeviceArray.from(Memory.allocate(DType.UINT8, bytes), options());
    DeviceArray offsets =
        DeviceArray.from(Memory.allocate(DType.INT32, rows.length + 1), options());
    int end = 0;
    RawMemory.putInt(offsets.address(), 0);
    for (int i = 0; i < rows.length; i++) {
      RawMemory.copyFrom(texts[i], 0, values.address() + end, texts[i].length);
      end += texts[i].length;
      RawMemory.putInt(offsets.address() + 4L * (i + 1), end);
    }
    return DeviceColumn.of(name, ColumnKind.STRING, values, offsets);
  }

  Options options() {
    return Options.defaults().withAllocator(allocator);
  }

  void cancel() {
    cancelled = true;
    onCancel.forEach(Runnable::run);
  }

  @Override
  public BufferAllocator allocator() {
    return allocator;
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public String task() {
    return "stage 1 partition 2";
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public boolean cancelled() {
    return cancelled;
  }

  @Override
  public void onCancel(Runnable action) {
    onCancel.add(action);
    if (cancelled) {
      action.run();
    }
  }

  @Override
  public void count(Outcome outcome) {
    outcomes.add(outcome);
  }

  @Override
  public void countModelLoad(long nanos) {
    assertThat(nanos).as("nanoseconds of the load").isPositive();
    modelLoads.incrementAndGet();
  }

  @Override
  public Path localCopy(URI uri) throws IOException {
    return FileAccess.LOCAL.localCopy(uri);
  }

  /** Asserts that the task left nothing behind. */
  @Override
  public void close() {
    assertThat(allocator.getAllocatedMemory()).as("bytes left in the allocator").isZero();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
    allocator.close();
  }
}
