package io.arrowtensor.python;

/**
 * What both sides of the bridge agree on; the Python side has the same numbers in {@code
 * arrowtensor/_protocol.py}.
 *
 * <p>Java and Python talk through blocks of {@code Native.newExport}, known by address. C's {@code
 * call(block, operation, argument)} asks the block's owner and answers
 *
 * <ul>
 *   <li>0 or more: a number, an address, or the address of a new block that is the caller's to
 *       drop;
 *   <li>-1: there is no JVM any more;
 *   <li>{@link #NO_MEMORY}: the call failed, and there is no memory to say how;
 *   <li>anything below: minus the address of a block {@code {int64 error; char text[]}}, UTF-8 that
 *       ends in 0, the caller's to drop.
 * </ul>
 *
 * An argument is a number or the address of an array of int64, as the operation says.
 */
final class Protocol {
  /** Changes with every change here; the Python side refuses another one. */
  static final long VERSION = 1;

  /** The answer of a call that failed without the memory for an error block. */
  static final long NO_MEMORY = -2;

  private Protocol() {}

  /** The block that everything starts from. */
  static final class Root {
    static final int VERSION = 0;
    static final int TABLE = 8;
    static final int SIZE = 16;

    /** {@code [PyGILState_Ensure, PyGILState_Release, Py_DecRef]}: the interpreter is there. */
    static final int OPEN = 0;

    /** The interpreter ends: returns once no release runs in it any more. */
    static final int CLOSE = 1;

    /**
     * {@code [struct, versioned, options...]}: a new array. Options are {@code [copy: 0 if needed,
     * 1 never, 2 always; device type, -1 to stay; device index]}.
     */
    static final int TAKE_DLPACK = 2;

    /** {@code [schema, array, options..., whether it is a device array]}: a new array. */
    static final int TAKE_ARROW = 3;

    /** {@code [schema, array, whether it is a device array]}: a new batch. */
    static final int TAKE_BATCH = 4;

    /** {@code [stream, whether it is a device stream]}: a new stream. */
    static final int TAKE_STREAM = 5;

    /**
     * {@code [JSON, object, options...]}: a new array over what {@code __array_interface__} says.
     * The object's reference passes to Java, also when this fails; so it does below.
     */
    static final int BORROW_INTERFACE = 6;

    /** {@code [JSON, object, options..., index of the device]}: as above, of a CUDA device. */
    static final int BORROW_CUDA = 7;

    /** {@code [PyArrayInterface, object, options...]}: a new array. */
    static final int BORROW_STRUCT = 8;

    /** {@code [Py_buffer, object, options...]}: a new array. */
    static final int BORROW_BUFFER = 9;

    private Root() {}
  }

  /** Every other block begins so. */
  static final class Handle {
    static final int ENTRY = 0;
    static final int KIND = 8;

    static final long ARRAY = 1;
    static final long BATCH = 2;
    static final long STREAM = 3;

    private Handle() {}
  }

  /**
   * An array's block: what Python may read without asking; the shape and the strides follow. The
   * tensor is a {@code DLManagedTensorVersioned} to share, 0 where each consumer needs its own.
   */
  static final class Array {
    static final int DEVICE_TYPE = 16;
    static final int DEVICE_ID = 20;
    static final int NDIM = 24;
    static final int READ_ONLY = 28;
    static final int ADDRESS = 32;
    static final int BYTES = 40;
    static final int ITEM_SIZE = 48;
    static final int ZERO_COPY_BYTES = 56;
    static final int DECODED_BYTES = 64;
    static final int COPIED_BYTES = 72;
    static final int TENSOR = 80;
    static final int SHAPE = 88;

    /** {@code [options..., versioned, with a stream, the stream]}: a new struct for a capsule. */
    static final int DLPACK = 0;

    /** {@code [out: schema, array]}: new structs, each for a capsule. */
    static final int ARROW = 1;

    /** As above, with a device array. */
    static final int ARROW_DEVICE = 2;

    /** Text: the name of the element type. */
    static final int DTYPE = 3;

    /** Text: why bytes were copied or decoded; 0 when none were. */
    static final int REASON = 4;

    /** Text: {@code __array_interface__} as JSON. */
    static final int INTERFACE = 5;

    /** Text: {@code __cuda_array_interface__} as JSON. */
    static final int CUDA_INTERFACE = 6;

    /** A new block that begins with a {@code PyArrayInterface}. */
    static final int STRUCT = 7;

    private Array() {}
  }

  /** A batch's block: rows and columns. */
  static final class Batch {
    static final int ROWS = 16;
    static final int COLUMNS = 24;
    static final int SIZE = 32;

    /** The column's number: text, its name. */
    static final int NAME = 0;

    /** The column's number: a new array. */
    static final int COLUMN = 1;

    /** {@code [out: schema, array]}: new structs, each for a capsule. */
    static final int ARROW = 2;

    /** As above, with a device array. */
    static final int ARROW_DEVICE = 3;

    /** A new stream of this batch, for a capsule. */
    static final int ARROW_STREAM = 4;

    /** As above, a device stream. */
    static final int ARROW_DEVICE_STREAM = 5;

    private Batch() {}
  }

  /** A stream's block has nothing behind its kind. */
  static final class Stream {
    static final int SIZE = 16;

    /** A new batch, 0 at the end. */
    static final int NEXT = 0;

    /** A new stream struct for a capsule, to which the batches that are left pass. */
    static final int ARROW_STREAM = 1;

    private Stream() {}
  }

  /** Python's exceptions. */
  static final class Raise {
    static final int BUFFER = 1;
    static final int VALUE = 2;
    static final int TYPE = 3;
    static final int MEMORY = 4;
    static final int RUNTIME = 5;

    private Raise() {}
  }
}
