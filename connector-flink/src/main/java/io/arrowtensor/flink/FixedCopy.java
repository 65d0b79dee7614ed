package io.arrowtensor.flink;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/**
 * Calls one handle, which is a constant of the class: {@link RowCopy} defines this class anew for
 * every handle. Never used under its own name.
 */
final class FixedCopy implements FieldCopy {
  private static final MethodHandle COPY = constant();

  private static MethodHandle constant() {
    try {
      return MethodHandles.classData(MethodHandles.lookup(), "_", MethodHandle.class);
    } catch (IllegalAccessException e) {
      throw new LinkageError("the class data of " + FixedCopy.class, e);
    }
  }

  @Override
  public void copy(int row, Object element) {
    try {
      COPY.invokeExact(row, element);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("the getter of a field throws nothing else", e);
    }
  }
}
