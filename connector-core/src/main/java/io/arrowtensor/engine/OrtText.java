package io.arrowtensor.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBlock;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.lang.reflect.Field;

/**
 * The UTF-8 of text tensors, read and written through ONNX Runtime's C API. Its Java API passes
 * text in JNI's modified UTF-8 for plain UTF-8, so that characters beyond U+FFFF reach the model as
 * others and come back cut off.
 *
 * <p>The C API's functions keep their place in the table of {@code OrtApi} for good
 * (onnxruntime_c_api.h); the two addresses needed are private fields of the Java API.
 */
final class OrtText {
  private static final int GET_ERROR_MESSAGE = 2;
  private static final int FILL_STRING_TENSOR = 52;
  private static final int GET_STRING_TENSOR_DATA_LENGTH = 53;
  private static final int GET_STRING_TENSOR_CONTENT = 54;
  private static final int MAX_MESSAGE = 4096;

  private OrtText() {}

  /** Bytes of all strings of {@code tensor}. */
  static long length(OnnxTensor tensor) {
    Owner out = NativeBlock.allocate(null, 8, 8);
    try {
      long length = NativeBlock.addressOf(out);
      check(call(GET_STRING_TENSOR_DATA_LENGTH, address(tensor), length, 0, 0, 0));
      return RawMemory.longAt(length);
    } finally {
      out.release();
    }
  }

  /**
   * Writes all strings of {@code tensor} one after the other.
   *
   * @param text room for {@code bytes}
   * @param starts room for {@code count} 64-bit integers: where each string starts
   */
  static void read(OnnxTensor tensor, long text, long bytes, long starts, long count) {
    check(call(GET_STRING_TENSOR_CONTENT, address(tensor), text, bytes, starts, count));
  }

  /** Sets the strings of {@code tensor} to those at {@code count} pointers, each ended by a 0. */
  static void write(OnnxTensor tensor, long pointers, long count) {
    check(call(FILL_STRING_TENSOR, address(tensor), pointers, count, 0, 0));
  }

  private static long call(int function, long a0, long a1, long a2, long a3, long a4) {
    NativeLibrary.require();
    return Native.call(function(function), a0, a1, a2, a3, a4, 0);
  }

  private static long function(int index) {
    return RawMemory.longAt(Fields.api() + 8L * index);
  }

  private static long address(OnnxTensor tensor) {
    return Fields.read(OnnxTensorLike.class.getName(), "nativeHandle", tensor);
  }

  /** A status is only made for an error, and lives on with the message read here. */
  private static void check(long status) {
    if (status != 0) {
      long message = Native.call(function(GET_ERROR_MESSAGE), status, 0, 0, 0, 0, 0);
      throw new InterchangeException(
          "Cannot pass text to or from ONNX Runtime: " + RawMemory.cString(message, MAX_MESSAGE));
    }
  }

  /** The private fields, looked up at each use, so that a missing one is an error of that use. */
  private static final class Fields {
    private static long api() {
      return read("ai.onnxruntime.OnnxRuntime", "ortApiHandle", null);
    }

    private static long read(
        String type, String name, @org.jspecify.annotations.Nullable Object object) {
      try {
        Field field = Class.forName(type).getDeclaredField(name);
        field.setAccessible(true);
        return field.getLong(object);
      } catch (ReflectiveOperationException | RuntimeException e) {
        throw refusal(e);
      }
    }

    private static InterchangeException refusal(Exception cause) {
      return new InterchangeException(
          "Cannot pass text to or from this version of ONNX Runtime: "
              + cause.getMessage()
              + "; use the version that this library was built with, on the class path",
          cause);
    }
  }
}
