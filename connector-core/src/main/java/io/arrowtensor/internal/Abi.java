package io.arrowtensor.internal;

/**
 * Offsets and sizes, in bytes, of the C structs on 64-bit platforms; each stands here once.
 * Sources: {@code dlpack.h} 1.3, Arrow's C Data Interface, NumPy's array interface protocol, PEP
 * 3118; checked against third-party headers by {@code src/test/native/abi_test.c}.
 */
public final class Abi {
  private Abi() {}

  /** {@code DLTensor}. */
  public static final class Tensor {
    public static final int DATA = 0;
    public static final int DEVICE_TYPE = 8;
    public static final int DEVICE_ID = 12;
    public static final int NDIM = 16;
    public static final int DTYPE_CODE = 20;
    public static final int DTYPE_BITS = 21;
    public static final int DTYPE_LANES = 22;
    public static final int SHAPE = 24;
    public static final int STRIDES = 32;
    public static final int BYTE_OFFSET = 40;

    private Tensor() {}
  }

  /** {@code DLManagedTensor}, the unversioned struct; its tensor lies at 0. */
  public static final class ManagedTensor {
    public static final int MANAGER_CTX = 48;
    public static final int DELETER = 56;
    public static final int SIZE = 64;

    private ManagedTensor() {}
  }

  /** {@code DLManagedTensorVersioned}. */
  public static final class ManagedTensorVersioned {
    public static final int MAJOR = 0;
    public static final int MINOR = 4;
    public static final int MANAGER_CTX = 8;
    public static final int DELETER = 16;
    public static final int FLAGS = 24;
    public static final int TENSOR = 32;
    public static final int SIZE = 80;

    public static final long FLAG_READ_ONLY = 1;
    public static final long FLAG_IS_COPIED = 2;
    public static final long FLAG_SUBBYTE_PADDED = 4;

    private ManagedTensorVersioned() {}
  }

  /** {@code struct ArrowSchema}. */
  public static final class Schema {
    public static final int FORMAT = 0;
    public static final int NAME = 8;
    public static final int METADATA = 16;
    public static final int FLAGS = 24;
    public static final int N_CHILDREN = 32;
    public static final int CHILDREN = 40;
    public static final int DICTIONARY = 48;
    public static final int RELEASE = 56;
    public static final int PRIVATE_DATA = 64;
    public static final int SIZE = 72;

    public static final long FLAG_DICTIONARY_ORDERED = 1;
    public static final long FLAG_NULLABLE = 2;
    public static final long FLAG_MAP_KEYS_SORTED = 4;

    private Schema() {}
  }

  /** {@code struct ArrowArray}. */
  public static final class Array {
    public static final int LENGTH = 0;
    public static final int NULL_COUNT = 8;
    public static final int OFFSET = 16;
    public static final int N_BUFFERS = 24;
    public static final int N_CHILDREN = 32;
    public static final int BUFFERS = 40;
    public static final int CHILDREN = 48;
    public static final int DICTIONARY = 56;
    public static final int RELEASE = 64;
    public static final int PRIVATE_DATA = 72;
    public static final int SIZE = 80;

    private Array() {}
  }

  /** {@code struct ArrowDeviceArray}; its array lies at 0. */
  public static final class DeviceArray {
    public static final int DEVICE_ID = 80;
    public static final int DEVICE_TYPE = 88;
    public static final int SYNC_EVENT = 96;
    public static final int RESERVED = 104;
    public static final int SIZE = 128;

    private DeviceArray() {}
  }

  /** {@code struct ArrowArrayStream}. */
  public static final class ArrayStream {
    public static final int GET_SCHEMA = 0;
    public static final int GET_NEXT = 8;
    public static final int GET_LAST_ERROR = 16;
    public static final int RELEASE = 24;
    public static final int PRIVATE_DATA = 32;
    public static final int SIZE = 40;

    private ArrayStream() {}
  }

  /** {@code struct ArrowDeviceArrayStream}: an {@code ArrowArrayStream} behind a device type. */
  public static final class DeviceArrayStream {
    public static final int DEVICE_TYPE = 0;
    public static final int STREAM = 8;
    public static final int SIZE = 48;

    private DeviceArrayStream() {}
  }

  /** NumPy's {@code PyArrayInterface}. */
  public static final class ArrayStruct {
    public static final int TWO = 0;
    public static final int ND = 4;
    public static final int TYPEKIND = 8;
    public static final int ITEMSIZE = 12;
    public static final int FLAGS = 16;
    public static final int SHAPE = 24;
    public static final int STRIDES = 32;
    public static final int DATA = 40;
    public static final int DESCR = 48;
    public static final int SIZE = 56;

    public static final int FLAG_C_CONTIGUOUS = 0x1;
    public static final int FLAG_F_CONTIGUOUS = 0x2;
    public static final int FLAG_ALIGNED = 0x100;
    public static final int FLAG_NOTSWAPPED = 0x200;
    public static final int FLAG_WRITEABLE = 0x400;
    public static final int FLAG_HAS_DESCR = 0x800;

    private ArrayStruct() {}
  }

  /** CPython's {@code Py_buffer}, and what a consumer may ask for. */
  public static final class BufferView {
    public static final int BUF = 0;
    public static final int OBJ = 8;
    public static final int LEN = 16;
    public static final int ITEMSIZE = 24;
    public static final int READONLY = 32;
    public static final int NDIM = 36;
    public static final int FORMAT = 40;
    public static final int SHAPE = 48;
    public static final int STRIDES = 56;
    public static final int SUBOFFSETS = 64;
    public static final int INTERNAL = 72;
    public static final int SIZE = 80;

    public static final int FLAG_WRITABLE = 0x1;
    public static final int FLAG_FORMAT = 0x4;
    public static final int FLAG_ND = 0x8;
    public static final int FLAG_STRIDES = 0x18;
    public static final int FLAG_C_CONTIGUOUS = 0x38;
    public static final int FLAG_F_CONTIGUOUS = 0x58;
    public static final int FLAG_ANY_CONTIGUOUS = 0x98;

    private BufferView() {}
  }
}
