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

  PojoReader(PojoTypeInfo<T> type, List<InputField> fields) {
    super(fields);
    this.type = type;
  }

  @Override
  MethodHandle copy(InputField field, ColumnBuffer buffer) {
    Field source = type.getPojoFieldAt(field.position()).getField();
    MethodHandle put =
        source.getType().isPrimitive()
            ? ((ScalarBuffer) buffer).put(field.type().requireCell())
            : RowCopy.handle(objects(field, buffer));
    return MethodHandles.filterArguments(put, 1, getter(source));
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
}
