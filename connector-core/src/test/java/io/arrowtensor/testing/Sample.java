package io.arrowtensor.testing;

import io.arrowtensor.DType;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.TypeCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/**
 * One Arrow type that has a tensor form, and what that form must be.
 *
 * @param name as the test's display name says it
 * @param field the vector's field
 * @param dtype of one element
 * @param rowShape logical dimensions of one row
 * @param permutation for each logical dimension its place in memory
 * @param dimNames names of the logical dimensions, rows included, or an empty list
 * @param storage the least that must be asked for
 */
public record Sample(
    String name,
    Field field,
    DType dtype,
    List<Integer> rowShape,
    List<Integer> permutation,
    List<String> dimNames,
    Storage storage) {

  private static final String EXTENSION = "ARROW:extension:name";
  private static final String METADATA = "ARROW:extension:metadata";

  /** Every type. */
  public static Stream<Sample> all() {
    List<Sample> all = new ArrayList<>(plain().toList());
    List.of(DType.INT8, DType.FLOAT32, DType.FLOAT64).forEach(dtype -> all.addAll(lists(dtype)));
    all.add(list("bit[3]", element("x", new ArrowType.Bool(), Map.of()), DType.BOOL, 3));
    Field bool8 = element("x", new ArrowType.Int(8, true), Map.of(EXTENSION, "arrow.bool8"));
    all.add(list("bool8[2]", bool8, DType.BOOL, 2));
    all.add(tensor("[2,3]", List.of(2, 3), List.of(0, 1), List.of()));
    all.add(tensor("[4], named", List.of(4), List.of(0), List.of("", "x")));
    all.add(tensor("[2,3] permuted", List.of(2, 3), List.of(1, 0), List.of("", "w", "h")));
    all.add(tensor("[2,3,4] permuted", List.of(2, 3, 4), List.of(2, 0, 1), List.of()));
    return all.stream();
  }

  /** Types with scalar rows. */
  public static Stream<Sample> plain() {
    List<Sample> plain = new ArrayList<>();
    for (int bits : new int[] {8, 16, 32, 64}) {
      plain.add(scalar(new ArrowType.Int(bits, true), new DType(TypeCode.INT, bits, 1)));
      plain.add(scalar(new ArrowType.Int(bits, false), new DType(TypeCode.UINT, bits, 1)));
    }
    plain.add(scalar(floating(FloatingPointPrecision.HALF), DType.FLOAT16));
    plain.add(scalar(floating(FloatingPointPrecision.SINGLE), DType.FLOAT32));
    plain.add(scalar(floating(FloatingPointPrecision.DOUBLE), DType.FLOAT64));
    plain.add(scalar(new ArrowType.Bool(), DType.BOOL));
    plain.add(
        scalar("bool8", new ArrowType.Int(8, true), Map.of(EXTENSION, "arrow.bool8"), DType.BOOL));
    plain.add(custom("complex64", DType.COMPLEX64));
    plain.add(custom("complex128", DType.COMPLEX128));
    plain.add(custom("bfloat16", DType.BFLOAT16));
    plain.add(custom("float8_e4m3fn", new DType(TypeCode.FLOAT8_E4M3FN, 8, 1)));
    plain.add(custom("int32x4", new DType(TypeCode.INT, 32, 4)));
    plain.add(temporal(new ArrowType.Date(DateUnit.DAY), DType.INT32));
    plain.add(temporal(new ArrowType.Date(DateUnit.MILLISECOND), DType.INT64));
    plain.add(temporal(new ArrowType.Time(TimeUnit.SECOND, 32), DType.INT32));
    plain.add(temporal(new ArrowType.Time(TimeUnit.MILLISECOND, 32), DType.INT32));
    plain.add(temporal(new ArrowType.Time(TimeUnit.MICROSECOND, 64), DType.INT64));
    plain.add(temporal(new ArrowType.Time(TimeUnit.NANOSECOND, 64), DType.INT64));
    for (TimeUnit unit : TimeUnit.values()) {
      plain.add(temporal(new ArrowType.Timestamp(unit, null), DType.INT64));
      plain.add(temporal(new ArrowType.Timestamp(unit, "UTC"), DType.INT64));
      plain.add(temporal(new ArrowType.Duration(unit), DType.INT64));
    }
    return plain.stream();
  }

  private static List<Sample> lists(DType dtype) {
    Field x = element("x", arrow(dtype), Map.of());
    return List.of(
        list(dtype + "[3]", x, dtype, 3),
        list(dtype + "[0]", x, dtype, 0),
        list(dtype + "[2][3]", x, dtype, 2, 3),
        list(dtype + "[2][1][3]", x, dtype, 2, 1, 3));
  }

  private static ArrowType arrow(DType dtype) {
    return dtype.equals(DType.INT8)
        ? new ArrowType.Int(8, true)
        : floating(
            dtype.bits() == 32 ? FloatingPointPrecision.SINGLE : FloatingPointPrecision.DOUBLE);
  }

  private static ArrowType floating(FloatingPointPrecision precision) {
    return new ArrowType.FloatingPoint(precision);
  }

  private static Sample scalar(ArrowType type, DType dtype) {
    return scalar(type.toString(), type, Map.of(), dtype);
  }

  private static Sample scalar(
      String name, ArrowType type, Map<String, String> metadata, DType dtype) {
    return new Sample(
        name,
        element("column", type, metadata),
        dtype,
        List.of(),
        List.of(),
        List.of(),
        Storage.REFUSE);
  }

  private static Sample custom(String name, DType dtype) {
    String metadata = dtype.code().code() + "," + dtype.bits() + "," + dtype.lanes();
    return scalar(
        name,
        new ArrowType.FixedSizeBinary(dtype.itemSize()),
        Map.of(EXTENSION, "arrowtensor.dtype", METADATA, metadata),
        dtype);
  }

  private static Sample temporal(ArrowType type, DType dtype) {
    Sample plain = scalar(type, dtype);
    return new Sample(
        plain.name, plain.field, dtype, List.of(), List.of(), List.of(), Storage.AS_INTEGERS);
  }

  private static Sample list(String name, Field element, DType dtype, Integer... sizes) {
    Field field = element;
    List<Integer> identity = new ArrayList<>();
    for (int d = sizes.length - 1; d >= 0; d--) {
      FieldType type = FieldType.nullable(new ArrowType.FixedSizeList(sizes[d]));
      field = new Field(d == 0 ? "column" : "item", type, List.of(field));
      identity.add(0, d);
    }
    return new Sample(name, field, dtype, List.of(sizes), identity, List.of(), Storage.REFUSE);
  }

  /** A fixed-shape tensor of {@code physical} shape; dim names in logical order. */
  private static Sample tensor(
      String name, List<Integer> physical, List<Integer> permutation, List<String> dimNames) {
    String[] names = new String[physical.size()];
    List<Integer> logical = new ArrayList<>();
    for (int d = 0; d < names.length; d++) {
      logical.add(physical.get(permutation.get(d)));
      names[permutation.get(d)] = dimNames.isEmpty() ? "" : "\"" + dimNames.get(d + 1) + "\"";
    }
    String json =
        "{\"shape\":"
            + physical
            + ",\"permutation\":"
            + permutation
            + (dimNames.isEmpty() ? "" : ",\"dim_names\":[" + String.join(",", names) + "]")
            + "}";
    int size = physical.stream().reduce(1, (a, b) -> a * b);
    Map<String, String> metadata = Map.of(EXTENSION, "arrow.fixed_shape_tensor", METADATA, json);
    FieldType type = new FieldType(true, new ArrowType.FixedSizeList(size), null, metadata);
    Field element = element("x", floating(FloatingPointPrecision.SINGLE), Map.of());
    return new Sample(
        "tensor" + name,
        new Field("column", type, List.of(element)),
        DType.FLOAT32,
        logical,
        permutation,
        dimNames,
        Storage.REFUSE);
  }

  private static Field element(String name, ArrowType type, Map<String, String> metadata) {
    return new Field(name, new FieldType(true, type, null, metadata), null);
  }

  /** The defaults with the storage that this type needs. */
  public Options options() {
    return Options.defaults().withStorage(storage);
  }

  /** The field of the elements. */
  public Field leaf() {
    Field leaf = field;
    while (leaf.getType() instanceof ArrowType.FixedSizeList) {
      leaf = leaf.getChildren().get(0);
    }
    return leaf;
  }

  public boolean isBitPacked() {
    return leaf().getType() instanceof ArrowType.Bool;
  }

  public boolean isTensor() {
    return field.getMetadata().containsKey(METADATA) && !rowShape.isEmpty();
  }

  public boolean isPermuted() {
    return !permutation.equals(permutation.stream().sorted().toList());
  }

  /** Elements of one row. */
  public int rowSize() {
    return rowShape.stream().reduce(1, (a, b) -> a * b);
  }

  /** The logical shape of {@code rows} rows. */
  public long[] shape(int rows) {
    return Stream.concat(Stream.of(rows), rowShape.stream()).mapToLong(d -> d).toArray();
  }

  /** Whether the Arrow on the class path has a vector for this type. */
  public boolean isSupported() {
    try (BufferAllocator allocator = new RootAllocator();
        FieldVector vector = field.createVector(allocator)) {
      return vector.getField() != null;
    } catch (UnsupportedOperationException e) {
      return false;
    }
  }

  /**
   * Where Arrow keeps the element at {@code logical}, the row first: one index for each list level,
   * one in all for a tensor.
   */
  public long[] arrowIndex(long... logical) {
    if (!isTensor()) {
      return logical;
    }
    long[] physical = new long[logical.length - 1];
    long[] sizes = new long[physical.length];
    for (int d = 0; d < physical.length; d++) {
      physical[permutation.get(d)] = logical[d + 1];
      sizes[permutation.get(d)] = rowShape.get(d);
    }
    long flat = 0;
    for (int d = 0; d < physical.length; d++) {
      flat = flat * sizes[d] + physical[d];
    }
    return new long[] {logical[0], flat};
  }

  @Override
  public String toString() {
    return name;
  }
}
