package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** What a function saw of one batch, copied while it could be read. */
final class Seen {
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Part(
      ColumnKind kind,
      DType dtype,
      long[] shape,
      double[] numbers,
      boolean[] present,
      long[] offsets,
      byte[] bytes) {}

  /** Filled by the function that runs in the harness of this thread. */
  private static final ThreadLocal<Seen> NOW = new ThreadLocal<>();

  private final List<Part> parts = new ArrayList<>();
  private final Consumer<DeviceBatch> check;

  private Seen(Consumer<DeviceBatch> check) {
    this.check = check;
  }

  static <T> Seen of(TypeInformation<T> type, Options options, List<T> elements, String... columns)
      throws Exception {
    return of(type, options, elements, batch -> {}, columns);
  }

  /** Scores {@code elements} in one batch, which {@code check} may look at too. */
  static <T> Seen of(
      TypeInformation<T> type,
      Options options,
      List<T> elements,
      Consumer<DeviceBatch> check,
      String... columns)
      throws Exception {
    return of(new Look(false), type, options, elements, check, columns);
  }

  /** The same by a function that reads strides. */
  static <T> Seen strided(
      TypeInformation<T> type,
      Options options,
      List<T> elements,
      Consumer<DeviceBatch> check,
      String... columns)
      throws Exception {
    return of(new Look(true), type, options, elements, check, columns);
  }

  private static <T> Seen of(
      Look function,
      TypeInformation<T> type,
      Options options,
      List<T> elements,
      Consumer<DeviceBatch> check,
      String... columns)
      throws Exception {
    Seen seen = new Seen(check);
    NOW.set(seen);
    try (Harness<T, Double> harness =
        Harness.open(
            type,
            stream ->
                stream
                    .columns(columns)
                    .options(options)
                    .maxRows(elements.size())
                    .map(function, (element, result) -> result.getDouble(0)))) {
      for (T element : elements) {
        harness.send(element, 0);
      }
    }
    assertThat(seen.parts).as("columns that the function looked at, once").hasSameSizeAs(columns);
    return seen;
  }

  private void look(DeviceBatch batch) {
    batch.columns().forEach(column -> parts.add(part(column)));
    check.accept(batch);
  }

  private static Part part(DeviceColumn column) {
    DeviceArray values = column.values();
    double[] numbers = new double[(int) values.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = Sum.at(values, i);
    }
    boolean[] present = new boolean[0];
    DeviceArray validity = column.validity();
    if (validity != null) {
      present = new boolean[(int) validity.size()];
      for (int i = 0; i < present.length; i++) {
        present[i] = RawMemory.byteAt(validity.address() + i) == 1;
      }
    }
    long[] offsets = new long[0];
    byte[] bytes = new byte[0];
    DeviceArray positions = column.offsets();
    if (positions != null) {
      offsets = new long[(int) positions.size()];
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] = RawMemory.intAt(positions.address() + 4L * i);
      }
      bytes = new byte[(int) values.size()];
      RawMemory.copyInto(values.address(), bytes, 0, bytes.length);
    }
    return new Part(
        column.kind(), values.dtype(), values.shape(), numbers, present, offsets, bytes);
  }

  List<DType> dtypes() {
    return parts.stream().map(Part::dtype).toList();
  }

  List<ColumnKind> kinds() {
    return parts.stream().map(Part::kind).toList();
  }

  long[] shape(int column) {
    return parts.get(column).shape;
  }

  double[] numbers(int column) {
    return parts.get(column).numbers;
  }

  boolean[] present(int column) {
    return parts.get(column).present;
  }

  long[] offsets(int column) {
    return parts.get(column).offsets;
  }

  String text(int column) {
    return new String(parts.get(column).bytes, StandardCharsets.UTF_8);
  }

  private static final class Look extends Sum {
    private static final long serialVersionUID = 1;

    private final boolean strided;

    Look(boolean strided) {
      this.strided = strided;
    }

    @Override
    public boolean readsStrides() {
      return strided;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      NOW.get().look(batch);
      return OwnedBatch.of(DeviceColumn.of("y", result(batch.rowCount())));
    }
  }
}
