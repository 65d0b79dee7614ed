package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;
import java.util.Locale;

/**
 * The operating system and processor that a native library is built for, in the words of this
 * project's jar, such as {@code linux-amd64}.
 */
record NativeTarget(String os, String arch) {
  /**
   * From the values of the system properties {@code os.name} and {@code os.arch}.
   *
   * @throws InterchangeException if there is no word for one of them
   */
  static NativeTarget of(String osName, String osArch) {
    return new NativeTarget(os(osName, osArch), arch(osName, osArch));
  }

  /** Where the jar keeps the library. */
  String resource() {
    return "/io/arrowtensor/native/" + this + "/" + fileName();
  }

  /** The library's name on this operating system. */
  String fileName() {
    return os.equals("macos") ? "libarrowtensor.dylib" : "libarrowtensor.so";
  }

  @Override
  public String toString() {
    return os + "-" + arch;
  }

  private static String os(String osName, String osArch) {
    String name = osName.toLowerCase(Locale.ROOT);
    if (name.equals("linux")) {
      return "linux";
    }
    if (name.startsWith("mac")) {
      return "macos";
    }
    throw unknown("operating system", osName, osArch);
  }

  private static String arch(String osName, String osArch) {
    return switch (osArch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> "amd64";
      case "aarch64", "arm64" -> "aarch64";
      default -> throw unknown("processor", osName, osArch);
    };
  }

  private static InterchangeException unknown(String which, String osName, String osArch) {
    return new InterchangeException(
        "Cannot name a native library for this "
            + which
            + ": os.name="
            + osName
            + ", os.arch="
            + osArch
            + "; build one from src/main/native and name its file with -D"
            + NativeLibrary.PATH_PROPERTY
            + "=FILE");
  }
}
