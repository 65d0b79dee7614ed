package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.util.List;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;

/** Reads the fields of Java objects, private ones too, without boxing what is primitive. */
final class PojoReader<T> extends ElementReader<T> {
  private static final long serialVersionUID = 1;

  private final PojoTypeInfo<T> type;
  private transient MethodHandle[] getters = new MethodHandle[0];
  private transient boolean[] primitive = new boolean[0];

  PojoReader(PojoTypeInfo<T> type, List<InputField> fields) {
    super(fields);
    this.type = type;
  }

  @Override
  public void open() {
    List<InputField> fields = fields();
    getters = new MethodHandle[fields.size()];
    primitive = new boolean[fields.size()];
    for (int c = 0; c < getters.length; c++) {
      Field field = type.getPojoFieldAt(fields.get(c).position()).getField();
      primitive[c] = field.getType().isPrimitive();
      getters[c] = getter(field);
    }
  }

  private static MethodHandle getter(Field field) {
    try {
      field.setAccessible(true);
      MethodHandle getter = MethodHandles.lookup().unreflectGetter(field);
      Class<?> result = field.getType().isPrimitive() ? field.getType() : Object.class;
      return getter.asType(MethodType.methodType(result, Object.class));
    } catch (IllegalAccessException e) {
      throw new InterchangeException("Cannot read " + field + ": " + e.getMessage(), e);
    }
  }

  @Override
  ArrayReader arrays() {
    return new JavaArrays();
  }

  @Override
  void read(T element, int row, ColumnBuffer[] columns) {
    try {
      for (int c = 0; c < columns.length; c++) {
        if (primitive[c]) {
          put(getters[c], element, field(c).type().requireCell(), (ScalarBuffer) columns[c], row);
        } else {
          putObject((Object) getters[c].invokeExact((Object) element), row, c, columns[c]);
        }
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a getter of a field throws nothing else", e);
    }
  }

  private static void put(
      MethodHandle getter, Object element, Cell cell, ScalarBuffer column, int row)
      throws Throwable {
    switch (cell) {
      case BOOL -> column.put(row, (boolean) getter.invokeExact(element));
      case INT8 -> column.put(row, (byte) getter.invokeExact(element));
      case INT16 -> column.put(row, (short) getter.invokeExact(element));
      case INT32 -> column.put(row, (int) getter.invokeExact(element));
      case INT64 -> column.put(row, (long) getter.invokeExact(element));
      case FLOAT32 -> column.put(row, (float) getter.invokeExact(element));
      case FLOAT64 -> column.put(row, (double) getter.invokeExact(element));
      default -> throw new AssertionError(cell);
    }
  }
}
