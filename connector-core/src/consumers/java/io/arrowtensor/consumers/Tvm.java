package io.arrowtensor.consumers;

import io.arrowtensor.internal.Native;
import io.arrowtensor.testing.DlpackStruct;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/**
 * TVM's runtime in this process, through its C API ({@code tvm/runtime/c_runtime_api.h} 0.18). Its
 * Java presets are passed by, as they load LLVM, of 140 MB, for the compiler.
 */
final class Tvm {
  private static final String FOLDER = "/org/bytedeco/%s/linux-x86_64/%s";

  private final CLibrary library;

  private Tvm(CLibrary library) {
    this.library = library;
  }

  /**
   * Loads the runtime after what it needs.
   *
   * @throws UnsatisfiedLinkError when a library is missing here
   */
  static Tvm load() {
    for (String needed :
        new String[] {"libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0"}) {
      CLibrary.open(file("openblas", needed));
    }
    CLibrary.open(file("dnnl", "libdnnl.so.2"));
    return new Tvm(CLibrary.open(file("tvm", "libtvm_runtime.so")));
  }

  private static Path file(String jar, String name) {
    try {
      return Loader.cacheResource(Loader.class, FOLDER.formatted(jar, name)).toPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code TVMArrayFromDLPack}: an array over the struct, which TVM then owns. The caller frees the
   * array.
   *
   * @throws IllegalStateException with TVM's words when it refuses; the struct stays the caller's
   */
  long fromDlpack(long struct) {
    return result("TVMArrayFromDLPack", struct);
  }

  /** {@code TVMArrayToDLPack}: a struct that holds the array's memory. */
  long toDlpack(long array) {
    return result("TVMArrayToDLPack", array);
  }

  /** {@code TVMArrayFree}: drops the caller's reference. */
  void free(long array) {
    check(library.call("TVMArrayFree", array));
  }

  /** {@code TVMArrayCopyToBytes}: the elements in row-major order. */
  byte[] bytes(long array, int count) {
    long copy = Native.allocate(Math.max(1, count), 64);
    try {
      check(library.call("TVMArrayCopyToBytes", array, copy, count));
      byte[] bytes = new byte[count];
      DlpackStruct.buffer(copy, count).get(bytes);
      return bytes;
    } finally {
      Native.free(copy);
    }
  }

  private long result(String function, long argument) {
    long out = Native.allocate(8, 16);
    try {
      check(library.call(function, argument, out));
      return DlpackStruct.buffer(out, 8).getLong(0);
    } finally {
      Native.free(out);
    }
  }

  private void check(long status) {
    if ((int) status != 0) {
      throw new IllegalStateException(CLibrary.text(library.call("TVMGetLastError")));
    }
  }
}
