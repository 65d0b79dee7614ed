package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.ArraySource;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.testing.DlpackStruct;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bytes as the choices that make a {@code PyArrayInterface} or a {@code Py_buffer}, mostly from
 * values at the edge of what is allowed. What is read must be what unbounded integers say; the
 * lender is released once, whatever happens.
 */
final class StructBytes {
  private static final int DATA = 4096;
  private static final String[] TYPES = {
    "f4", "f2", "f8", "i1", "i4", "i8", "u2", "b1", "c8", "c16", "M8", "O8", "t1", "\0004",
    "\u00ff4"
  };
  private static final String[] FORMATS = {
    "f", "=i", "@d", "<q", ">h", "?", "b", "l", "=l", "n", "3s", "T{i:a:}", "", "t", "Zg", null
  };

  private final ByteBuffer input;
  private final Scratch scratch;
  private final long data;

  private StructBytes(byte[] bytes, Scratch scratch) {
    this.input = ByteBuffer.wrap(bytes);
    this.scratch = scratch;
    this.data = scratch.allocate(DATA);
  }

  /** Returns whether the struct was read. */
  static boolean check(byte[] bytes) {
    try (Scratch scratch = new Scratch()) {
      StructBytes choices = new StructBytes(bytes, scratch);
      return choices.next() % 2 == 0 ? choices.arrayStruct() : choices.view();
    }
  }

  private boolean arrayStruct() {
    long[] shape =
        longs(ndim(), 0, 1, 1, 2, 3, 5, 2, 3, 4, 6, 1L << 31, 1L << 40, Long.MAX_VALUE, -1);
    long[] strides = next() % 3 == 0 ? null : strides(shape.length);
    String type = TYPES[next() % TYPES.length];
    char kind = type.charAt(0);
    int sound = Integer.parseInt(type.substring(1));
    int itemSize = (int) pick(sound, sound, sound, sound, sound, 3, 0, -4, Integer.MAX_VALUE);
    int flags = (int) pick(0x200, 0x600, 0x600, 0x200, 0x701, 0x703, 0x702, 0x301, 0, 0xa00);
    long struct = scratch.arrayStruct(kind, itemSize, flags, shape, strides, start());
    ByteBuffer raw = DlpackStruct.buffer(struct, 56);
    raw.putInt(0, (int) pick(2, 2, 2, 2, 2, 2, 2, 2, 2, 3));
    damage(raw, 4, shape.length);
    AtomicInteger released = new AtomicInteger();
    boolean read = opened(PyArrayInterface.borrow(struct, released::incrementAndGet));
    assertThat(released).hasValue(1);
    return read;
  }

  private boolean view() {
    long[] shape =
        longs(ndim(), 0, 1, 1, 2, 3, 5, 2, 3, 4, 6, 1L << 31, 1L << 40, Long.MAX_VALUE, -1);
    long[] strides = next() % 3 == 0 ? null : strides(shape.length);
    String format = FORMATS[next() % FORMATS.length];
    int sound = format == null || format.isEmpty() ? 1 : width(format.charAt(format.length() - 1));
    int itemSize = (int) pick(sound, sound, sound, sound, sound, sound, 8, 0, -1);
    long product = Arrays.stream(shape).reduce(itemSize, (a, b) -> a * b);
    long len = pick(product, product, product, product + 1, 0, -1, 16);
    long view =
        scratch.view(
            start(), len, itemSize, format, shape.length, next() % 5 == 0 ? null : shape, strides);
    damage(DlpackStruct.buffer(view, 80), 36, shape.length);
    if (next() % 8 == 0 && shape.length > 0) {
      DlpackStruct.buffer(view, 80).putLong(64, scratch.longs(longs(shape.length, -1, -1, 0, 8)));
    }
    AtomicInteger released = new AtomicInteger();
    boolean read = opened(PyBuffer.borrow(view, released::incrementAndGet));
    assertThat(released).hasValue(1);
    return read;
  }

  private static int width(char code) {
    return switch (code) {
      case 'f', 'i' -> 4;
      case 'd', 'q', 'l', 'n' -> 8;
      case 'h' -> 2;
      default -> 1;
    };
  }

  /** Another number of dimensions, never one whose arrays would be read beyond their end. */
  private void damage(ByteBuffer struct, int ndimAt, int ndim) {
    struct.putInt(
        ndimAt, (int) pick(ndim, ndim, ndim, ndim, ndim, ndim, 65, -1, Integer.MIN_VALUE));
  }

  private boolean opened(ArraySource source) {
    try (DeviceArray array = DeviceArray.from(source, Options.defaults())) {
      BigInteger bytes = BigInteger.valueOf(array.dtype().itemSize());
      for (long dim : array.shape()) {
        assertThat(dim).isNotNegative();
        bytes = bytes.multiply(BigInteger.valueOf(dim));
      }
      assertThat(BigInteger.valueOf(array.nbytes())).isEqualTo(bytes);
      if (liesInside(array)) {
        array.contiguous(Options.defaults()).close();
      }
      return true;
    } catch (InvalidStructException | UnsupportedTypeException e) {
      assertThat(e.getMessage()).isNotBlank();
      return false;
    }
  }

  /** Whether every element lies in the memory that there is. */
  private boolean liesInside(DeviceArray array) {
    BigInteger low = BigInteger.valueOf(array.address() - data);
    BigInteger high = low.add(BigInteger.valueOf(array.dtype().itemSize()));
    long[] shape = array.shape();
    long[] strides = array.strides();
    for (int d = 0; d < shape.length; d++) {
      BigInteger reach =
          BigInteger.valueOf(shape[d] - 1)
              .multiply(BigInteger.valueOf(strides[d]))
              .multiply(BigInteger.valueOf(array.dtype().itemSize()));
      low = low.add(reach.min(BigInteger.ZERO));
      high = high.add(reach.max(BigInteger.ZERO));
    }
    return array.nbytes() > 0
        && array.nbytes() <= DATA
        && low.signum() >= 0
        && high.compareTo(BigInteger.valueOf(DATA)) <= 0;
  }

  private long start() {
    return pick(data, data + 512, data + 256, data + 1024, data + 1, 0, -8, Long.MAX_VALUE);
  }

  private int ndim() {
    return (int) pick(0, 1, 1, 2, 2, 3, 64);
  }

  private long[] strides(int count) {
    return longs(count, 0, 4, 4, 8, 16, 8, 16, 24, -4, -8, 1, 3, 1L << 61, Long.MIN_VALUE);
  }

  private int next() {
    return input.hasRemaining() ? input.get() & 0xff : 0;
  }

  private long pick(long... values) {
    return values[next() % values.length];
  }

  private long[] longs(int count, long... values) {
    long[] picked = new long[count];
    for (int d = 0; d < count; d++) {
      picked[d] = pick(values);
    }
    return picked;
  }
}
