package io.arrowtensor.testing;

import io.arrowtensor.internal.Native;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A DLPack struct as {@code dlpack.h} 1.3 describes it, read and written by byte offsets of its
 * own: an oracle that shares nothing with the library but its address.
 */
public final class DlpackStruct {
  private final long address;
  private final boolean versioned;
  private final ByteBuffer bytes;
  private final int tensor;

  private DlpackStruct(long address, boolean versioned) {
    this.address = address;
    this.versioned = versioned;
    this.bytes = buffer(address, versioned ? 80 : 64);
    this.tensor = versioned ? 32 : 0;
  }

  public static DlpackStruct versioned(long address) {
    return new DlpackStruct(address, true);
  }

  public static DlpackStruct unversioned(long address) {
    return new DlpackStruct(address, false);
  }

  public static DlpackStruct at(long address, boolean versioned) {
    return new DlpackStruct(address, versioned);
  }

  /** Memory by address, in native order. */
  public static ByteBuffer buffer(long address, int bytes) {
    return Native.byteBuffer(address, bytes).order(ByteOrder.nativeOrder());
  }

  public long address() {
    return address;
  }

  public int major() {
    return bytes.getInt(0);
  }

  public int minor() {
    return bytes.getInt(4);
  }

  public long flags() {
    return bytes.getLong(24);
  }

  public long deleter() {
    return bytes.getLong(versioned ? 16 : 56);
  }

  public long data() {
    return bytes.getLong(tensor);
  }

  public int deviceType() {
    return bytes.getInt(tensor + 8);
  }

  public int deviceId() {
    return bytes.getInt(tensor + 12);
  }

  public int ndim() {
    return bytes.getInt(tensor + 16);
  }

  /** Code, bits and lanes. */
  public String dtype() {
    return (bytes.get(tensor + 20) & 0xff)
        + ","
        + (bytes.get(tensor + 21) & 0xff)
        + ","
        + (bytes.getShort(tensor + 22) & 0xffff);
  }

  public long[] shape() {
    return longs(bytes.getLong(tensor + 24), ndim());
  }

  public long[] strides() {
    return longs(bytes.getLong(tensor + 32), ndim());
  }

  public long byteOffset() {
    return bytes.getLong(tensor + 40);
  }

  /** Calls the deleter as a consumer in C does. */
  public void delete() {
    Native.call(deleter(), address, 0, 0, 0, 0, 0);
  }

  public DlpackStruct putVersion(int major, int minor) {
    bytes.putInt(0, major).putInt(4, minor);
    return this;
  }

  public DlpackStruct putFlags(long flags) {
    bytes.putLong(24, flags);
    return this;
  }

  public DlpackStruct putDeleter(long function, long context) {
    bytes.putLong(versioned ? 16 : 56, function).putLong(versioned ? 8 : 48, context);
    return this;
  }

  public DlpackStruct putData(long data, long byteOffset) {
    bytes.putLong(tensor, data).putLong(tensor + 40, byteOffset);
    return this;
  }

  public DlpackStruct putDevice(int type, int id) {
    bytes.putInt(tensor + 8, type).putInt(tensor + 12, id);
    return this;
  }

  public DlpackStruct putDtype(int code, int bits, int lanes) {
    bytes.put(tensor + 20, (byte) code).put(tensor + 21, (byte) bits);
    bytes.putShort(tensor + 22, (short) lanes);
    return this;
  }

  /** Sets ndim and the two addresses; 0 for null. */
  public DlpackStruct putShape(int ndim, long shape, long strides) {
    bytes.putInt(tensor + 16, ndim);
    bytes.putLong(tensor + 24, shape).putLong(tensor + 32, strides);
    return this;
  }

  private static long[] longs(long address, int count) {
    long[] values = new long[count];
    if (count > 0) {
      buffer(address, 8 * count).asLongBuffer().get(values);
    }
    return values;
  }

  @Override
  public String toString() {
    return "data=0x"
        + Long.toHexString(data())
        + " dtype="
        + dtype()
        + " shape="
        + Arrays.toString(shape())
        + " strides="
        + Arrays.toString(strides());
  }
}
