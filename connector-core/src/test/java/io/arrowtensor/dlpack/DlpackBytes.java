package io.arrowtensor.dlpack;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Options;
import io.arrowtensor.testing.Elements;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Bytes as the choices that make a struct, mostly from values at the edge of what is allowed, and a
 * model in unbounded integers that says whether it must be read.
 */
final class DlpackBytes {
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  private final ByteBuffer input;
  private final boolean versioned;
  private int major = 1;
  private long flags;
  private int bits;
  private int lanes;
  private int device;
  private int ndim;
  private long[] shape = {};
  private long[] strides;
  private long data;
  private long byteOffset;

  private DlpackBytes(byte[] bytes) {
    this.input = ByteBuffer.wrap(bytes);
    this.versioned = next() % 2 == 0;
  }

  /** Returns whether the struct was read. */
  static boolean check(byte[] bytes) {
    DlpackBytes choices = new DlpackBytes(bytes);
    try (ForeignTensor foreign = new ForeignTensor(choices.versioned)) {
      choices.fill(foreign);
      boolean read = choices.take(foreign);
      assertThat(foreign.deleter().calls()).as("deleter of %s", choices).isEqualTo(1);
      assertThat(read).as("%s is read", choices).isEqualTo(choices.isSound());
      return read;
    }
  }

  private boolean take(ForeignTensor foreign) {
    try (DeviceArray array = DeviceArray.from(foreign.take())) {
      assertThat(array.shape()).isEqualTo(shape);
      assertThat(array.toString()).startsWith("DeviceArray(shape=(");
      if (liesInside(foreign)) {
        checkCopy(array);
      }
      return true;
    } catch (InvalidStructException e) {
      assertThat(e.getMessage()).isNotBlank();
      return false;
    }
  }

  private static void checkCopy(DeviceArray array) {
    int width = array.dtype().itemSize();
    long[] strides = array.strides();
    long[] next = {0};
    try (DeviceArray copy = array.contiguous(Options.defaults())) {
      Elements.forEach(
          array.shape(),
          index -> {
            long at = array.address() + Elements.offset(index, strides) * width;
            assertThat(Elements.read(copy.address() + next[0], width))
                .isEqualTo(Elements.read(at, width));
            next[0] += width;
          });
    }
  }

  private void fill(ForeignTensor foreign) {
    if (versioned) {
      major = (int) pick(1, 1, 1, 1, 1, 1, 1, 1, 0, 2, -1);
      flags = pick(0, 0, 1, 2, 4, 0xff);
      foreign.struct.putVersion(major, next()).putFlags(flags);
    }
    bits = (int) pick(8, 16, 32, 32, 64, 128, 1, 4, 6, 255, 0) & 0xff;
    lanes = (int) pick(1, 1, 1, 1, 1, 2, 3, 65535, 0) & 0xffff;
    device = (int) pick(1, 1, 1, 1, 1, 2, 4, 99);
    ndim = (int) pick(0, 1, 1, 2, 2, 3, 4, 64, 65, -1, Integer.MAX_VALUE);
    shape = longs(0, 1, 1, 2, 3, 5, 10, 10, 1L << 31, 1L << 40, Long.MAX_VALUE, -1);
    strides =
        next() % 3 == 0 ? null : longs(0, 1, 1, 2, 10, 10, 100, -1, -10, 1L << 61, Long.MIN_VALUE);
    data = pick(foreign.data(), foreign.data() + 2000, foreign.data() + 3, 0, -8, Long.MAX_VALUE);
    byteOffset = pick(0, 0, 0, 4, 400, -1, Long.MAX_VALUE);
    foreign.shape(shape);
    if (strides != null) {
      foreign.strides(strides);
    }
    if (shape.length != ndim) {
      foreign.struct.putShape(ndim, foreign.address(), 0);
    }
    foreign.struct.putDtype(next(), bits, lanes).putDevice(device, 0).putData(data, byteOffset);
  }

  private int next() {
    return input.hasRemaining() ? input.get() & 0xff : 0;
  }

  private long pick(long... values) {
    return values[next() % values.length];
  }

  private long[] longs(long... values) {
    long[] picked = new long[ndim < 0 || ndim > 65 ? 0 : ndim];
    for (int d = 0; d < picked.length; d++) {
      picked[d] = pick(values);
    }
    return picked;
  }

  private boolean isSound() {
    if (major != 1 || ndim < 0 || ndim > 64 || bits == 0 || lanes == 0) {
      return false;
    }
    boolean packed = bits * lanes % 8 != 0;
    if ((packed && (flags & 4) != 0) || Arrays.stream(shape).anyMatch(dim -> dim < 0)) {
      return false;
    }
    BigInteger size = size();
    BigInteger bytes =
        packed
            ? size.multiply(BigInteger.valueOf((long) bits * lanes))
            : size.multiply(BigInteger.valueOf(width()));
    boolean empty = size.signum() == 0;
    if (bytes.compareTo(MAX) > 0 || size.compareTo(MAX) > 0 || (data == 0 && !empty)) {
      return false;
    }
    BigInteger[] extent = extent(packed);
    BigInteger reach = extent[1].subtract(extent[0]);
    return reach.compareTo(MAX) <= 0 && byteOffset >= 0 && (!isAddressable() || fits(extent));
  }

  private boolean fits(BigInteger[] extent) {
    BigInteger start = BigInteger.valueOf(data).add(BigInteger.valueOf(byteOffset));
    return start.compareTo(MAX) <= 0
        && start.add(extent[0]).signum() >= 0
        && start.add(extent[1]).compareTo(MAX) <= 0;
  }

  private boolean isAddressable() {
    return device == 1 || device == 2;
  }

  private long width() {
    return ((long) bits * lanes + 7) / 8;
  }

  private BigInteger size() {
    return Arrays.stream(shape)
        .mapToObj(BigInteger::valueOf)
        .reduce(BigInteger.ONE, BigInteger::multiply);
  }

  /** First and last byte, the latter exclusive, relative to the first element. */
  private BigInteger[] extent(boolean packed) {
    BigInteger size = size();
    BigInteger width = BigInteger.valueOf(width());
    if (size.signum() == 0) {
      return new BigInteger[] {BigInteger.ZERO, BigInteger.ZERO};
    }
    if (strides == null || isRowMajor()) {
      BigInteger all = packed ? BigInteger.valueOf((long) bits * lanes) : width;
      BigInteger end = size.multiply(all);
      BigInteger eight = BigInteger.valueOf(8);
      BigInteger bytes = packed ? end.add(BigInteger.valueOf(7)).divide(eight) : end;
      return new BigInteger[] {BigInteger.ZERO, bytes};
    }
    BigInteger low = BigInteger.ZERO;
    BigInteger high = BigInteger.ZERO;
    for (int d = 0; d < shape.length; d++) {
      BigInteger reach = BigInteger.valueOf(shape[d] - 1).multiply(BigInteger.valueOf(strides[d]));
      low = low.add(reach.min(BigInteger.ZERO));
      high = high.add(reach.max(BigInteger.ZERO));
    }
    return new BigInteger[] {low.multiply(width), high.add(BigInteger.ONE).multiply(width)};
  }

  private boolean isRowMajor() {
    BigInteger expected = BigInteger.ONE;
    for (int d = shape.length - 1; d >= 0; d--) {
      if (shape[d] != 1 && !expected.equals(BigInteger.valueOf(strides[d]))) {
        return false;
      }
      expected = expected.multiply(BigInteger.valueOf(shape[d]));
    }
    return true;
  }

  /** Whether every element lies in the memory that there is, and there are not too many. */
  private boolean liesInside(ForeignTensor foreign) {
    if (device != 1 || bits * lanes % 8 != 0 || size().compareTo(BigInteger.valueOf(2000)) > 0) {
      return false;
    }
    BigInteger[] extent = extent(false);
    BigInteger first = BigInteger.valueOf(data - foreign.data() + byteOffset);
    return data != 0
        && first.add(extent[0]).signum() >= 0
        && first.add(extent[1]).compareTo(BigInteger.valueOf(4L * ForeignTensor.ELEMENTS)) <= 0;
  }

  @Override
  public String toString() {
    return String.format(
        "version %d, %d bits x %d, flags %d, device %d, ndim %d, shape %s, strides %s,"
            + " data 0x%x + %d",
        major,
        bits,
        lanes,
        flags,
        device,
        ndim,
        Arrays.toString(shape),
        Arrays.toString(strides),
        data,
        byteOffset);
  }
}
