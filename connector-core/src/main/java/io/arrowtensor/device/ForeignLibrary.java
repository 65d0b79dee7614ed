package io.arrowtensor.device;

import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A shared library that stays open, and its functions by name. Safe from any thread. */
final class ForeignLibrary {
  private static final int MAX_TEXT = 4096;
  private static final Map<String, ForeignLibrary> OPENED = new ConcurrentHashMap<>();

  private final long handle;
  private final String name;
  private final Map<String, Long> functions = new ConcurrentHashMap<>();

  private ForeignLibrary(long handle, String name) {
    this.handle = handle;
    this.name = name;
  }

  /** The C library and all else that the process itself was linked with. */
  static ForeignLibrary process() {
    NativeLibrary.require();
    ForeignLibrary known = OPENED.get("");
    return known != null ? known : kept("", new ForeignLibrary(Native.open(0), "the C library"));
  }

  /**
   * The library {@code what}: the file or name in the system property {@code property}, else {@code
   * usual}. A failure is not remembered: the next call tries again.
   *
   * @throws DeviceMismatchException when it cannot be opened: the reason and {@code remedy}
   */
  static ForeignLibrary open(String what, String property, String usual, String remedy) {
    String name = System.getProperty(property, usual);
    ForeignLibrary known = OPENED.get(name);
    if (known != null) {
      return known;
    }
    ForeignLibrary process = process();
    process.call("dlerror"); // called before, as finding and linking it would change what it tells
    try (Scratch text = Scratch.text(name)) {
      long handle = Native.open(text.address(0));
      if (handle == 0) {
        long reason = process.call("dlerror");
        throw new DeviceMismatchException(
            "Cannot open %s: %s; %s, or name its file with -D%s=FILE"
                .formatted(
                    what,
                    reason == 0 ? name : RawMemory.cString(reason, MAX_TEXT),
                    remedy,
                    property));
      }
      return kept(name, new ForeignLibrary(handle, name));
    }
  }

  private static ForeignLibrary kept(String name, ForeignLibrary opened) {
    ForeignLibrary other = OPENED.putIfAbsent(name, opened);
    return other == null ? opened : other;
  }

  /** The name or file that it was opened by. */
  String name() {
    return name;
  }

  /** Calls a function of up to nine integers or addresses. */
  long call(String function, long... arguments) {
    long[] a = java.util.Arrays.copyOf(arguments, 9);
    return Native.call(function(function), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
  }

  /** Its address; a later {@link #call} looks it up without a call to the system. */
  long function(String function) {
    Long known = functions.get(function);
    if (known != null) {
      return known;
    }
    try (Scratch text = Scratch.text(function)) {
      long address = Native.symbol(handle, text.address(0));
      if (address == 0) {
        throw new InterchangeException(
            "Cannot find the function " + function + " in " + name + ": install a newer one");
      }
      functions.put(function, address);
      return address;
    }
  }
}
