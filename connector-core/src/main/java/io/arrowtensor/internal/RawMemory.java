package io.arrowtensor.internal;

import io.arrowtensor.InvalidStructException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.memory.util.MemoryUtil;

/**
 * Reads and writes memory by address, in native byte order and without regard to alignment. The one
 * class that does: an address is trusted, and a wrong one ends the process.
 *
 * <p>It works through one {@link ArrowBuf} over the whole address space, as the accessors of {@code
 * MemoryUtil} differ between the supported versions of Arrow, and {@code sun.misc.Unsafe} warns. No
 * address of a process is negative on the supported systems. Any thread; no ordering between
 * threads is implied.
 */
public final class RawMemory {
  private static final ArrowBuf ALL = new ArrowBuf(ReferenceManager.NO_OP, null, Long.MAX_VALUE, 0);

  private static final int CHUNK = 64;

  /** A quarter of what a call of C takes; an old Arrow on a new Java cannot. */
  private static final boolean BUFFERS_BY_ARROW = makesBuffers();

  private RawMemory() {}

  private static boolean makesBuffers() {
    try {
      return ALL.nioBuffer(0, 0).isDirect();
    } catch (UnsupportedOperationException e) {
      return false;
    }
  }

  /** The byte at {@code address}. */
  public static byte byteAt(long address) {
    return ALL.getByte(address);
  }

  /** The two bytes at {@code address}. */
  public static short shortAt(long address) {
    return ALL.getShort(address);
  }

  /** The four bytes at {@code address}. */
  public static int intAt(long address) {
    return ALL.getInt(address);
  }

  /** The eight bytes at {@code address}, an integer or an address. */
  public static long longAt(long address) {
    return ALL.getLong(address);
  }

  /** The float at {@code address}, with its bits. */
  public static float floatAt(long address) {
    return Float.intBitsToFloat(ALL.getInt(address));
  }

  /** The double at {@code address}, with its bits. */
  public static double doubleAt(long address) {
    return Double.longBitsToDouble(ALL.getLong(address));
  }

  /** Writes one byte. */
  public static void putByte(long address, byte value) {
    ALL.setByte(address, value);
  }

  /** Writes two bytes. */
  public static void putShort(long address, short value) {
    ALL.setShort(address, value);
  }

  /** Writes four bytes. */
  public static void putInt(long address, int value) {
    ALL.setInt(address, value);
  }

  /** Writes eight bytes, an integer or an address. */
  public static void putLong(long address, long value) {
    ALL.setLong(address, value);
  }

  /** Writes a float, with its bits. */
  public static void putFloat(long address, float value) {
    ALL.setInt(address, Float.floatToRawIntBits(value));
  }

  /** Writes a double, with its bits. */
  public static void putDouble(long address, double value) {
    ALL.setLong(address, Double.doubleToRawLongBits(value));
  }

  /**
   * A direct buffer over {@code bytes} at {@code address}: big-endian until the caller sets an
   * order, valid for as long as the memory is.
   */
  public static ByteBuffer byteBuffer(long address, int bytes) {
    return BUFFERS_BY_ARROW ? ALL.nioBuffer(address, bytes) : Native.byteBuffer(address, bytes);
  }

  /** The address of a direct buffer's first byte, whatever its position. */
  public static long addressOf(ByteBuffer direct) {
    return MemoryUtil.getByteBufferAddress(direct);
  }

  /** Copies {@code bytes} bytes; the ranges may overlap. */
  public static void copy(long from, long to, long bytes) {
    if (bytes != 0) {
      ALL.setBytes(to, ALL, from, bytes);
    }
  }

  /** Copies bytes of an array to {@code to}. */
  public static void copyFrom(byte[] from, int offset, long to, int bytes) {
    if (bytes != 0) {
      ALL.setBytes(to, from, offset, (long) bytes);
    }
  }

  /** Copies {@code bytes} bytes into an array. */
  public static void copyInto(long from, byte[] to, int offset, int bytes) {
    if (bytes != 0) {
      ALL.getBytes(from, to, offset, bytes);
    }
  }

  /** Sets {@code bytes} bytes to {@code value}. */
  public static void fill(long address, long bytes, byte value) {
    long done = Math.min(bytes, CHUNK);
    for (long i = 0; i < done; i++) {
      ALL.setByte(address + i, value);
    }
    while (done < bytes) {
      long next = Math.min(done, bytes - done);
      copy(address, address + done, next);
      done += next;
    }
  }

  /**
   * The UTF-8 text at {@code address} up to its terminating 0.
   *
   * @throws InvalidStructException if none of the first {@code max} bytes is 0
   */
  public static String cString(long address, int max) {
    int length = 0;
    while (length < max && ALL.getByte(address + length) != 0) {
      length++;
    }
    if (length == max) {
      throw new InvalidStructException(
          "Cannot read a string of more than " + max + " bytes: no terminating 0 was found");
    }
    byte[] text = new byte[length];
    copyInto(address, text, 0, length);
    return new String(text, StandardCharsets.UTF_8);
  }
}
