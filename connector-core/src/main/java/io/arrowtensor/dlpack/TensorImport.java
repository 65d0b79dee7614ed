package io.arrowtensor.dlpack;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.TypeCode;
import io.arrowtensor.internal.Abi.ManagedTensor;
import io.arrowtensor.internal.Abi.ManagedTensorVersioned;
import io.arrowtensor.internal.Abi.Tensor;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.util.List;

/**
 * Reads DLPack structs with suspicion. Whatever is wrong with one, its deleter runs exactly once.
 */
final class TensorImport {
  private static final int MAJOR = 1;

  private TensorImport() {}

  static Memory versioned(long address) {
    Owner owner = versionedDeleter(address);
    try {
      int major = RawMemory.intAt(address + ManagedTensorVersioned.MAJOR);
      int minor = RawMemory.intAt(address + ManagedTensorVersioned.MINOR);
      if (major != MAJOR) {
        throw new InvalidStructException(
            "Cannot read DLPack version "
                + Integer.toUnsignedString(major)
                + "."
                + Integer.toUnsignedString(minor)
                + ": this library reads 1.x; ask the producer for max_version (1, 3)");
      }
      long flags = RawMemory.longAt(address + ManagedTensorVersioned.FLAGS);
      boolean readOnly = (flags & ManagedTensorVersioned.FLAG_READ_ONLY) != 0;
      Memory memory = tensor(address + ManagedTensorVersioned.TENSOR, readOnly, owner);
      if (!memory.dtype().isWholeBytes()
          && (flags & ManagedTensorVersioned.FLAG_SUBBYTE_PADDED) != 0) {
        throw new InvalidStructException(
            "Cannot read elements of "
                + memory.dtype()
                + " padded to whole bytes (IS_SUBBYTE_TYPE_PADDED): ask the producer for packed ones");
      }
      return memory.checked();
    } catch (RuntimeException | Error e) {
      owner.release();
      throw e;
    }
  }

  static Memory unversioned(long address) {
    Owner owner = unversionedDeleter(address);
    try {
      return tensor(address, true, owner).checked();
    } catch (RuntimeException | Error e) {
      owner.release();
      throw e;
    }
  }

  /** In one step, as this is done for every tensor. */
  private static Memory tensor(long tensor, boolean readOnly, Owner owner) {
    int ndim = RawMemory.intAt(tensor + Tensor.NDIM);
    if (ndim < 0 || ndim > Shapes.MAX_NDIM) {
      throw new InvalidStructException(
          "Invalid ndim " + ndim + " in a DLPack struct: expected 0 to " + Shapes.MAX_NDIM);
    }
    long[] shape = longs("shape", RawMemory.longAt(tensor + Tensor.SHAPE), ndim);
    long stridesAddress = RawMemory.longAt(tensor + Tensor.STRIDES);
    Device device =
        new Device(
            new DeviceType(RawMemory.intAt(tensor + Tensor.DEVICE_TYPE)),
            RawMemory.intAt(tensor + Tensor.DEVICE_ID));
    long[] strides =
        stridesAddress == 0 ? Shapes.rowMajor(shape) : longs("strides", stridesAddress, ndim);
    return new Memory(
        RawMemory.longAt(tensor + Tensor.DATA),
        dtype(tensor),
        shape,
        strides,
        RawMemory.longAt(tensor + Tensor.BYTE_OFFSET),
        device,
        List.of(),
        readOnly,
        owner,
        null,
        null,
        Ready.NOW);
  }

  private static DType dtype(long tensor) {
    int bits = RawMemory.byteAt(tensor + Tensor.DTYPE_BITS) & 0xff;
    int lanes = RawMemory.shortAt(tensor + Tensor.DTYPE_LANES) & 0xffff;
    if (bits == 0 || lanes == 0) {
      throw new InvalidStructException(
          "Invalid dtype in a DLPack struct: "
              + bits
              + " bits, "
              + lanes
              + " lanes; neither may be 0");
    }
    return new DType(
        new TypeCode(RawMemory.byteAt(tensor + Tensor.DTYPE_CODE) & 0xff), bits, lanes);
  }

  private static long[] longs(String what, long address, int count) {
    if (address == 0 && count > 0) {
      throw new InvalidStructException(
          "Invalid " + what + " in a DLPack struct: null for " + count + " dimensions");
    }
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = RawMemory.longAt(address + 8L * i);
    }
    return values;
  }

  static Owner versionedDeleter(long address) {
    return deleter(address, ManagedTensorVersioned.DELETER, ManagedTensorVersioned.SIZE);
  }

  static Owner unversionedDeleter(long address) {
    return deleter(address, ManagedTensor.DELETER, ManagedTensor.SIZE);
  }

  /**
   * Owns the struct at {@code address}. Its bytes count as held, those of the data are its
   * producer's.
   */
  private static Owner deleter(long address, int deleterOffset, int structSize) {
    if (address == 0 || (address & 7) != 0) {
      throw new InvalidStructException(
          "Invalid DLPack struct address 0x"
              + Long.toHexString(address)
              + ": expected a non-null, 8-byte aligned one");
    }
    NativeLibrary.require();
    NativeBytes.add(structSize);
    return new Owner() {
      @Override
      protected void free() {
        NativeBytes.add(-structSize);
        long function = RawMemory.longAt(address + deleterOffset);
        if (function != 0) {
          Native.call(function, address, 0, 0, 0, 0, 0);
        }
      }
    };
  }
}
