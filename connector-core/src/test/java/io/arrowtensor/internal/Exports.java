package io.arrowtensor.internal;

/** Structs as small as the callbacks need them; offsets from the headers of DLPack and Arrow. */
final class Exports {
  private Exports() {}

  /** A DLManagedTensorVersioned. */
  static long versioned(Owner owner) {
    long self = Native.newExport(owner, 80);
    RawMemory.putLong(self + 8, self);
    RawMemory.putLong(self + 16, Native.callback(Native.DLPACK_VERSIONED_DELETER));
    return self;
  }

  /** A DLManagedTensor. */
  static long unversioned(Owner owner) {
    long self = Native.newExport(owner, 64);
    RawMemory.putLong(self + 48, self);
    RawMemory.putLong(self + 56, Native.callback(Native.DLPACK_UNVERSIONED_DELETER));
    return self;
  }

  /** Calls the deleter of a DLManagedTensorVersioned through its pointer. */
  static void delete(long versioned) {
    Native.call(RawMemory.longAt(versioned + 16), versioned, 0, 0, 0, 0, 0);
  }
}
