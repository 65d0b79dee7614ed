package io.arrowtensor.dlpack;

import io.arrowtensor.ArraySource;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;

/**
 * DLPack tensors by address, both struct layouts: {@code DLManagedTensorVersioned} (written as 1.3,
 * any 1.x read) and the unversioned {@code DLManagedTensor}.
 *
 * <pre>{@code
 * long struct = Dlpack.export(Vectors.view(vector));        // hand it to an engine, which calls its deleter
 * DeviceArray array = DeviceArray.from(Dlpack.take(struct)); // or take one from an engine
 * }</pre>
 */
public final class Dlpack {
  private Dlpack() {}

  /** As {@link #export(ArraySource, Options)} with {@link Options#defaults()}. */
  public static long export(ArraySource source) {
    return export(source, Options.defaults());
  }

  /**
   * Writes a {@code DLManagedTensorVersioned} 1.3 over the source's memory.
   *
   * <p><b>Ownership.</b> The struct holds the memory. Its deleter, called by the consumer once from
   * any thread, releases the memory and the struct; the source, its vector and its child allocator
   * may be closed at once. Read-only memory carries the flag; {@code IS_COPIED} is set only on a
   * copy made for this export ({@code Copy.ALWAYS}).
   *
   * @return the struct's address; strides are always filled, the byte offset is folded into the
   *     data pointer where the device has addresses
   * @throws io.arrowtensor.InterchangeException when the source cannot be exported under these
   *     options; nothing is held then
   */
  public static long export(ArraySource source, Options options) {
    return TensorExport.versioned(Memory.forExport(source, options), options);
  }

  /**
   * Writes an unversioned {@code DLManagedTensor}, for consumers that know no other. As that struct
   * cannot say that memory is read-only, such memory is refused unless {@code options.access()} is
   * {@code READ_ONLY}, by which the caller states that the consumer does not write.
   *
   * @return the struct's address
   */
  public static long exportUnversioned(ArraySource source, Options options) {
    return TensorExport.unversioned(Memory.forExport(source, options), options);
  }

  /**
   * Takes over a {@code DLManagedTensorVersioned}. It is ours from this call on, also when the call
   * fails: its deleter runs exactly once, when the array that is made of the source is closed and
   * its last export released.
   *
   * @param address of a live struct
   * @throws io.arrowtensor.InvalidStructException for another major version or values that
   *     contradict each other
   */
  public static ArraySource take(long address) {
    return TensorImport.versioned(address);
  }

  /**
   * As {@link #take}, for an unversioned {@code DLManagedTensor}; the array is read-only, as the
   * struct cannot say that it is not.
   */
  public static ArraySource takeUnversioned(long address) {
    return TensorImport.unversioned(address);
  }

  /**
   * Calls the deleter of a struct that was exported and not consumed.
   *
   * @param address from {@link #export}
   */
  public static void delete(long address) {
    TensorImport.versionedDeleter(address).release();
  }

  /** As {@link #delete}, for a struct from {@link #exportUnversioned}. */
  public static void deleteUnversioned(long address) {
    TensorImport.unversionedDeleter(address).release();
  }
}
