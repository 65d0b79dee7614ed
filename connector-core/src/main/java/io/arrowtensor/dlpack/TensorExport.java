package io.arrowtensor.dlpack;

import io.arrowtensor.Access;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Abi.ManagedTensor;
import io.arrowtensor.internal.Abi.ManagedTensorVersioned;
import io.arrowtensor.internal.Abi.Tensor;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;

/**
 * Writes DLPack structs: one block holds struct, shape, strides and the reference to the memory's
 * owner.
 */
final class TensorExport {
  private static final int MAJOR = 1;
  private static final int MINOR = 3;

  private TensorExport() {}

  /** Takes over {@code memory}. */
  static long versioned(Memory memory, Options options) {
    long struct = block(memory, ManagedTensorVersioned.SIZE);
    RawMemory.putInt(struct + ManagedTensorVersioned.MAJOR, MAJOR);
    RawMemory.putInt(struct + ManagedTensorVersioned.MINOR, MINOR);
    RawMemory.putLong(struct + ManagedTensorVersioned.MANAGER_CTX, struct);
    RawMemory.putLong(struct + ManagedTensorVersioned.DELETER, Callbacks.VERSIONED);
    RawMemory.putLong(struct + ManagedTensorVersioned.FLAGS, flags(memory));
    tensor(struct + ManagedTensorVersioned.TENSOR, struct + ManagedTensorVersioned.SIZE, memory);
    return struct;
  }

  /** Takes over {@code memory}. */
  static long unversioned(Memory memory, Options options) {
    if (memory.readOnly() && options.access() != Access.READ_ONLY) {
      memory.release();
      throw new CopyRefusedException(
          "Cannot export read-only memory as an unversioned DLPack struct, which cannot say so: use Dlpack.export, ask for a copy with"
              + " Copy.ALWAYS, or state with Options.withAccess(Access.READ_ONLY) that the consumer does not write");
    }
    long struct = block(memory, ManagedTensor.SIZE);
    RawMemory.putLong(struct + ManagedTensor.MANAGER_CTX, struct);
    RawMemory.putLong(struct + ManagedTensor.DELETER, Callbacks.UNVERSIONED);
    tensor(struct, struct + ManagedTensor.SIZE, memory);
    return struct;
  }

  private static long block(Memory memory, int structSize) {
    try {
      requireLayout(memory.dtype());
      NativeLibrary.require();
      long block = Native.newExport(memory.owner(), structSize + 16L * memory.shape().length);
      if (block == 0) {
        throw new InterchangeException(
            "Cannot allocate a DLPack struct: the system has no memory left");
      }
      return block;
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /**
   * DLPack defines packed elements for float6 and float4; codes that are unknown pass as they are.
   */
  private static void requireLayout(DType dtype) {
    if (!dtype.isWholeBytes() && dtype.code().code() < TypeCode.FLOAT6_E2M3FN.code()) {
      throw new UnsupportedTypeException(
          "Cannot export "
              + dtype
              + " as DLPack: elements of "
              + dtype.bits()
              + " bits have no defined layout; convert them to whole bytes first");
    }
  }

  /**
   * A fresh copy that only this export holds carries IS_COPIED, which tells the consumer that it
   * may write.
   */
  private static long flags(Memory memory) {
    Outcome outcome = memory.outcome();
    boolean copied =
        outcome != null
            && !outcome.isZeroCopy()
            && memory.owner() != null
            && memory.owner().references() == 1;
    return (memory.readOnly() ? ManagedTensorVersioned.FLAG_READ_ONLY : 0)
        | (copied ? ManagedTensorVersioned.FLAG_IS_COPIED : 0);
  }

  private static void tensor(long tensor, long arrays, Memory memory) {
    int ndim = memory.shape().length;
    boolean empty = memory.nbytes() == 0;
    boolean addressable = memory.device().type().isAddressable();
    RawMemory.putLong(tensor + Tensor.DATA, empty ? 0 : memory.start());
    RawMemory.putInt(tensor + Tensor.DEVICE_TYPE, memory.device().type().code());
    RawMemory.putInt(tensor + Tensor.DEVICE_ID, memory.device().id());
    RawMemory.putInt(tensor + Tensor.NDIM, ndim);
    RawMemory.putByte(tensor + Tensor.DTYPE_CODE, (byte) memory.dtype().code().code());
    RawMemory.putByte(tensor + Tensor.DTYPE_BITS, (byte) memory.dtype().bits());
    RawMemory.putShort(tensor + Tensor.DTYPE_LANES, (short) memory.dtype().lanes());
    RawMemory.putLong(tensor + Tensor.SHAPE, arrays);
    RawMemory.putLong(tensor + Tensor.STRIDES, arrays + 8L * ndim);
    RawMemory.putLong(tensor + Tensor.BYTE_OFFSET, addressable ? 0 : memory.offset());
    for (int d = 0; d < ndim; d++) {
      RawMemory.putLong(arrays + 8L * d, memory.shape()[d]);
      RawMemory.putLong(arrays + 8L * (ndim + d), memory.strides()[d]);
    }
  }

  /** The addresses of our deleters, found once. */
  private static final class Callbacks {
    static final long VERSIONED = Native.callback(Native.DLPACK_VERSIONED_DELETER);
    static final long UNVERSIONED = Native.callback(Native.DLPACK_UNVERSIONED_DELETER);
  }
}
