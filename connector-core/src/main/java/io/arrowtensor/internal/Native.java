package io.arrowtensor.internal;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Every native method of the library: addresses and primitives in, addresses and primitives out.
 *
 * <p>Initialising this class loads the library and never throws; call {@link
 * NativeLibrary#require()} before the first use to learn why a load failed (without it a method
 * throws {@link UnsatisfiedLinkError}). An address is trusted: nothing here can check one. Methods
 * may be called from any thread and hold no lock.
 */
public final class Native {
  /** {@code void (*)(DLManagedTensorVersioned *)}, for {@link #callback}. */
  public static final int DLPACK_VERSIONED_DELETER = 0;

  /** {@code void (*)(DLManagedTensor *)}, for {@link #callback}. */
  public static final int DLPACK_UNVERSIONED_DELETER = 1;

  /** {@code void (*)(struct ArrowArray *)}, for {@link #callback}. */
  public static final int ARROW_ARRAY_RELEASE = 2;

  /** {@code void (*)(struct ArrowSchema *)}, for {@link #callback}. */
  public static final int ARROW_SCHEMA_RELEASE = 3;

  /**
   * The first of the four functions of an {@code ArrowArrayStream}, in the struct's order ({@code
   * get_schema}, {@code get_next}, {@code get_last_error}, {@code release}), for {@link #callback}.
   */
  public static final int ARROW_STREAM = 4;

  /** As {@link #ARROW_STREAM}, for an {@code ArrowDeviceArrayStream}. */
  public static final int ARROW_DEVICE_STREAM = 8;

  /** The table that the Python side works with, for {@link #callback}. */
  public static final int PYTHON_TABLE = 12;

  /** {@code void (*)(void *block)}, for {@link #callback}. */
  public static final int EXPORT_DROP = 13;

  /** {@code int64_t (*)(void)}, for {@link #callback}. */
  public static final int END_CALLBACKS = 14;

  /** {@link Owner#call} of a stream: fill the {@code ArrowSchema} at the argument, return errno. */
  public static final int STREAM_SCHEMA = 0;

  /** {@link Owner#call} of a stream: fill the array at the argument, return errno. */
  public static final int STREAM_NEXT = 1;

  static {
    NativeLibrary.load();
  }

  private Native() {}

  /**
   * {@code posix_memalign(&address, alignment, bytes)}: uninitialised memory, to be given to {@link
   * #free}. The alignment is a power of two of at least 8. Returns 0 when the memory is refused.
   */
  public static native long allocate(long bytes, long alignment);

  /** {@code free((void *) address)}, for memory of {@link #allocate}; 0 is allowed. */
  public static native void free(long address);

  /**
   * A zeroed block for one exported struct and what it points at, 16-byte aligned, with a strong
   * reference to {@code owner}. The caller fills it and writes one of the {@linkplain #callback
   * callbacks} and this address ({@code manager_ctx} or {@code private_data}) into the struct; the
   * callback, on any thread, calls {@link Owner#release()} once and frees the block. Returns 0 when
   * out of memory, and the owner is not touched.
   */
  public static native long newExport(@Nullable Owner owner, long bytes);

  /** Frees a block of {@link #newExport} that was never handed out; does not release its owner. */
  public static native void freeExport(long payload);

  /**
   * The address of one of this library's C functions.
   *
   * <ul>
   *   <li>{@link #DLPACK_VERSIONED_DELETER}, {@link #DLPACK_UNVERSIONED_DELETER}: drop the block in
   *       {@code manager_ctx}.
   *   <li>{@link #ARROW_ARRAY_RELEASE}, {@link #ARROW_SCHEMA_RELEASE}: release the children and the
   *       dictionary that were not moved out, mark the struct released, drop the block in {@code
   *       private_data}. A child may have none: then its memory is its parent's.
   *   <li>{@link #ARROW_STREAM}, {@link #ARROW_DEVICE_STREAM} and the three kinds behind each: ask
   *       the owner of the block in {@code private_data} ({@link Owner#call}); the block begins
   *       with the last error, UTF-8 that ends in 0, empty for none.
   *   <li>{@link #PYTHON_TABLE}: {@code call(block, operation, argument)} of a block's owner,
   *       {@code drop(block)}, the destructor of capsules, their kinds (name, place of the
   *       release), places for {@code PyCapsule_GetName}, {@code PyCapsule_GetPointer} and {@code
   *       PyCapsule_New}, and {@code share_tensor(tensor)}: another capsule over a {@code
   *       DLManagedTensorVersioned} whose block stays until all of them are gone; places for {@code
   *       PyErr_Fetch} and {@code PyErr_Restore}. The struct in an Arrow capsule is memory of
   *       {@link #allocate}; a capsule without a name holds a block.
   *   <li>{@link #EXPORT_DROP}: drops the block it is given, for structs without a deleter.
   *   <li>{@link #END_CALLBACKS}: from now on all of these return at once, as at the end of the
   *       process; answers how many are still in Java.
   * </ul>
   *
   * Returns 0 for any other kind.
   */
  public static native long callback(int kind);

  /**
   * {@code ((int64_t (*)(int64_t, ...)) function)(a0, ..., a8)}: calls any C function of up to nine
   * integer or pointer arguments; those it does not have are ignored. The result of a {@code void}
   * function is meaningless, that of one returning {@code int} has 32 valid bits.
   */
  public static native long call(
      long function,
      long a0,
      long a1,
      long a2,
      long a3,
      long a4,
      long a5,
      long a6,
      long a7,
      long a8);

  /** The same for a function of up to six arguments. */
  public static long call(long function, long a0, long a1, long a2, long a3, long a4, long a5) {
    return call(function, a0, a1, a2, a3, a4, a5, 0, 0, 0);
  }

  /**
   * {@code dlopen((const char *) path, RTLD_NOW | RTLD_LOCAL)}; path 0 is the process itself.
   * Returns 0 when it cannot be opened. Never closed.
   */
  public static native long open(long path);

  /** {@code dlsym((void *) library, (const char *) name)}; 0 when there is no such symbol. */
  public static native long symbol(long library, long name);

  /**
   * {@code NewDirectByteBuffer(address, bytes)}: big-endian until the caller sets an order, valid
   * for as long as the memory is; {@code bytes} is at most {@link Integer#MAX_VALUE}.
   */
  public static native ByteBuffer byteBuffer(long address, long bytes);

  /**
   * Whether bits {@code [bitOffset, bitOffset + bits)} of an Arrow bitmap (least significant first)
   * are all 1; stops early, and reads no byte outside of them.
   */
  public static native boolean allSet(long bitmap, long bitOffset, long bits);

  /**
   * Writes {@code k} columns as one row-major matrix {@code [rows, k]} to {@code out}: {@code
   * columns} holds k addresses, each of {@code rows} contiguous elements of {@code width} bytes, 4
   * or 8. No address needs an alignment; the matrix overlaps no column.
   */
  public static native void interleave(long columns, int k, long rows, int width, long out);
}
