package io.arrowtensor.consumers;

import io.arrowtensor.DType;
import io.arrowtensor.TypeCode;
import io.arrowtensor.internal.Native;
import io.arrowtensor.testing.DlpackStruct;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * PyTorch's C++ library in this process, through its Java presets. They do not wrap its DLPack
 * functions, so those are called by their symbols in {@code libtorch_cpu.so}, as the C++ ABI of GCC
 * passes their arguments: a result that is an object, and a parameter that is one, by address.
 */
final class Libtorch {
  private static final String FROM_DLPACK =
      "_ZN2at10fromDLPackEP15DLManagedTensorSt8functionIFvPvEE";
  private static final String FROM_DLPACK_VERSIONED =
      "_ZN2at19fromDLPackVersionedEP24DLManagedTensorVersionedSt8functionIFvPvEE";
  private static final int STD_FUNCTION_BYTES = 32;
  private static final CLibrary LIBRARY = open();

  private Libtorch() {}

  private static CLibrary open() {
    Loader.load(torch.class);
    return CLibrary.open(
        Loader.getLoadedLibraries().values().stream()
            .filter(file -> file.endsWith("libtorch_cpu.so"))
            .map(Path::of)
            .findFirst()
            .orElseThrow());
  }

  /**
   * {@code at::fromDLPack[Versioned]}, which takes over the struct. The caller closes the tensor.
   */
  static Tensor fromDlpack(long struct, boolean versioned) {
    long result = Native.allocate(8, 16);
    long noFunction = Native.allocate(STD_FUNCTION_BYTES, 16);
    DlpackStruct.buffer(noFunction, STD_FUNCTION_BYTES).put(new byte[STD_FUNCTION_BYTES]);
    LIBRARY.call(versioned ? FROM_DLPACK_VERSIONED : FROM_DLPACK, result, struct, noFunction);
    Tensor returned = new Tensor(new At(result));
    Tensor tensor = new Tensor(returned);
    returned.reset();
    Native.free(noFunction);
    Native.free(result);
    return tensor;
  }

  /** {@code at::toDLPackVersioned}: a struct that holds the tensor's storage. */
  static long toDlpack(Tensor tensor) {
    return LIBRARY.call("_ZN2at17toDLPackVersionedERKNS_6TensorE", tensor.address());
  }

  /** {@code at::toDLPack}: as {@link #toDlpack}, the struct without version. */
  static long toDlpackUnversioned(Tensor tensor) {
    return LIBRARY.call("_ZN2at8toDLPackERKNS_6TensorE", tensor.address());
  }

  /** PyTorch's name of {@code dtype}; Undefined for one that it lacks. */
  static ScalarType typeOf(DType dtype) {
    if (dtype.lanes() != 1) {
      return ScalarType.Undefined;
    }
    String name = dtype.toString();
    return switch (name) {
      case "int8" -> ScalarType.Char;
      case "int16" -> ScalarType.Short;
      case "int32" -> ScalarType.Int;
      case "int64" -> ScalarType.Long;
      case "uint8" -> ScalarType.Byte;
      case "uint16" -> ScalarType.UInt16;
      case "uint32" -> ScalarType.UInt32;
      case "uint64" -> ScalarType.UInt64;
      case "float16" -> ScalarType.Half;
      case "float32" -> ScalarType.Float;
      case "float64" -> ScalarType.Double;
      case "bfloat16" -> ScalarType.BFloat16;
      case "complex64" -> ScalarType.ComplexFloat;
      case "complex128" -> ScalarType.ComplexDouble;
      case "bool" -> ScalarType.Bool;
      default ->
          dtype.code().equals(TypeCode.FLOAT8_E4M3FN)
              ? ScalarType.Float8_e4m3fn
              : ScalarType.Undefined;
    };
  }

  /** Runs {@code work} and frees every object of PyTorch's that it made. */
  static void scoped(Runnable work) {
    PointerScope scope = new PointerScope();
    try {
      work.run();
    } finally {
      scope.close();
    }
  }

  /** Memory by its address. */
  static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }
}
