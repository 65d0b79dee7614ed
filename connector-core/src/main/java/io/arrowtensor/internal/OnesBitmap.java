package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.ReferenceManager;

/**
 * Validity bitmaps of vectors without nulls, which Arrow Java demands. All of them share one region
 * of set bits, so that making a vector over foreign memory costs the same at any length. The region
 * grows by doubling, is never freed, and is not part of {@link NativeBytes}. Such a vector must not
 * be written; one that will be gets a bitmap of its own.
 */
public final class OnesBitmap {
  private static final long FIRST_BYTES = 64 * 1024;

  private static volatile Region region = new Region(0, 0);

  private OnesBitmap() {}

  /** A bitmap of {@code bits} set bits, shared and not reference-counted. */
  public static ArrowBuf of(long bits) {
    long bytes = Math.max(1, (bits + 7) / 8);
    Region current = region;
    if (current.bytes < bytes) {
      current = grow(bytes);
    }
    return new ArrowBuf(ReferenceManager.NO_OP, null, bytes, current.address);
  }

  private static synchronized Region grow(long bytes) {
    if (region.bytes < bytes) {
      long size = Math.max(FIRST_BYTES, Long.highestOneBit(bytes - 1) << 1);
      long address = Native.allocate(size, 64);
      if (address == 0) {
        throw new InterchangeException(
            "Cannot allocate a validity bitmap of "
                + size
                + " bytes: the system has no memory left");
      }
      RawMemory.fill(address, size, (byte) 0xff);
      region = new Region(address, size);
    }
    return region;
  }

  private record Region(long address, long bytes) {}
}
