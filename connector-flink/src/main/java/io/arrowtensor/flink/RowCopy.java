package io.arrowtensor.flink;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Makes one copy of the copies of all fields. All that is called in it is constant, so the JIT
 * compiles it into one straight line, where a loop over fields were a call for each value that it
 * cannot predict.
 */
final class RowCopy {
  /** Of every handle here: the row, the element. */
  private static final MethodType TYPE = MethodType.methodType(void.class, int.class, Object.class);

  /** Fields in one straight line: what the JIT inlines as a whole. */
  private static final int BLOCK = 16;

  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
  private static final MethodHandle COPY;
  private static final byte[] FIXED_COPY;

  static {
    String file = FixedCopy.class.getSimpleName() + ".class";
    try (InputStream code = RowCopy.class.getResourceAsStream(file)) {
      FIXED_COPY = Objects.requireNonNull(code, file).readAllBytes();
      COPY = LOOKUP.findVirtual(FieldCopy.class, "copy", TYPE);
    } catch (IOException | ReflectiveOperationException e) {
      throw new LinkageError(file, e);
    }
  }

  private RowCopy() {}

  /** A field's copy as a handle. */
  static MethodHandle handle(FieldCopy copy) {
    return COPY.bindTo(copy);
  }

  /**
   * Copies all {@code fields}, one after the other.
   *
   * @param fields copy one field each, as {@link #handle} does; at least one
   */
  static FieldCopy of(List<MethodHandle> fields) {
    if (fields.size() <= BLOCK) {
      return fixed(inTurn(fields));
    }
    List<MethodHandle> blocks = new ArrayList<>();
    for (int from = 0; from < fields.size(); from += BLOCK) {
      int to = Math.min(fields.size(), from + BLOCK);
      blocks.add(handle(of(fields.subList(from, to))));
    }
    return of(blocks);
  }

  private static MethodHandle inTurn(List<MethodHandle> copies) {
    int size = copies.size();
    return size == 1
        ? copies.get(0)
        : MethodHandles.foldArguments(
            inTurn(copies.subList(size / 2, size)), inTurn(copies.subList(0, size / 2)));
  }

  private static FieldCopy fixed(MethodHandle copy) {
    try {
      MethodHandles.Lookup made =
          LOOKUP.defineHiddenClassWithClassData(FIXED_COPY, copy.asType(TYPE), true);
      return (FieldCopy)
          made.findConstructor(made.lookupClass(), MethodType.methodType(void.class)).invoke();
    } catch (Throwable e) {
      throw new LinkageError("Cannot define " + FixedCopy.class, e);
    }
  }
}
