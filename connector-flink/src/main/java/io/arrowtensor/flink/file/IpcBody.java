package io.arrowtensor.flink.file;

import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/**
 * Some buffers of a message's body in one piece of native memory: neighbours are read at once, what
 * lies between is not read. The creator closes it.
 */
final class IpcBody implements AutoCloseable {
  /** Bytes that are cheaper to read than to skip. */
  private static final long GAP = 1 << 14;

  private static final long ALIGNMENT = 64;

  /**
   * One buffer.
   *
   * @param offset in the body
   * @param length in bytes
   */
  record Range(long offset, long length) {}

  /** Neighbouring buffers, and where their bytes go. */
  private record Run(long offset, long length, long target) {}

  private final ArrowBuf memory;
  private final List<Range> ranges;
  private final long[] targets;

  private IpcBody(ArrowBuf memory, List<Range> ranges, long[] targets) {
    this.memory = memory;
    this.ranges = ranges;
    this.targets = targets;
  }

  static IpcBody read(
      FileInput input, IpcMessage message, List<Range> ranges, BufferAllocator allocator)
      throws IOException {
    long[] targets = new long[ranges.size()];
    List<Run> runs = new java.util.ArrayList<>();
    long size = place(input, message.bodyLength(), ranges, targets, runs);
    ArrowBuf memory = allocator.buffer(size);
    try {
      for (Run run : runs) {
        input.read(message.bodyPosition() + run.offset, memory, run.target, run.length);
      }
      return new IpcBody(memory, ranges, targets);
    } catch (IOException | RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  /** Plans the reads; the bytes that they take, never more than the body has and some padding. */
  private static long place(
      FileInput input, long bodyLength, List<Range> ranges, long[] targets, List<Run> runs) {
    List<Integer> inOrder =
        IntStream.range(0, ranges.size())
            .boxed()
            .sorted(Comparator.comparingLong(i -> ranges.get(i).offset))
            .toList();
    long start = 0;
    long end = -GAP;
    long target = 0;
    for (int i : inOrder) {
      Range range = ranges.get(i);
      if (range.offset < 0 || range.length < 0 || range.offset > bodyLength - range.length) {
        throw input.invalid(
            "a batch of " + bodyLength + " bytes names the buffer " + range + " in itself");
      }
      if (range.offset - end >= GAP) {
        target = close(runs, start, end, target);
        start = range.offset;
        end = start;
      }
      targets[i] = target + range.offset - start;
      end = Math.max(end, range.offset + range.length);
    }
    return close(runs, start, end, target);
  }

  private static long close(List<Run> runs, long start, long end, long target) {
    if (end <= start) {
      return target;
    }
    runs.add(new Run(start, end - start, target));
    return (target + end - start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Buffer {@code i}; borrowed. */
  ArrowBuf buffer(int i) {
    return memory.slice(targets[i], ranges.get(i).length);
  }

  @Override
  public void close() {
    memory.close();
  }
}
