package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.Columns.NullsAt;
import io.arrowtensor.testing.Elements;
import io.arrowtensor.testing.NoLeaks;
import io.arrowtensor.testing.Sample;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every type, with nulls at each level, under each null policy, whole and sliced, read back element
 * by element. The oracle is Arrow's own {@code getObject}.
 */
@ExtendWith(NoLeaks.class)
class ViewMatrixTest {
  private static final int[][] SLICES = {
    // rows, start, length
    {0, 0, 0}, {1, 0, 1}, {37, 0, 37}, {37, 1, 35}, {37, 3, 8}, {37, 8, 29}, {37, 36, 1}, {37, 5, 0}
  };

  private static final List<Nulls> POLICIES =
      List.of(
          Nulls.REJECT,
          Nulls.MASK,
          Nulls.fill(0),
          Nulls.fill(1),
          Nulls.PROPAGATE,
          Nulls.ASSUME_NONE);

  static Stream<Arguments> cases() {
    return Sample.all()
        .flatMap(
            sample ->
                Arrays.stream(NullsAt.values())
                    .filter(
                        nulls ->
                            !sample.rowShape().isEmpty()
                                || nulls == NullsAt.NOWHERE
                                || nulls == NullsAt.ROWS)
                    .map(nulls -> Arguments.of(sample, nulls)));
  }

  @ParameterizedTest(name = "{0}, nulls {1}")
  @MethodSource("cases")
  void arraysAndColumnsHoldWhatArrowReads(Sample sample, NullsAt nulls, BufferAllocator allocator) {
    assumeTrue(sample.isSupported(), "this Arrow has no vector for " + sample);
    for (int[] slice : SLICES) {
      try (FieldVector whole =
              Columns.random(sample.field(), slice[0], nulls, slice[0], allocator);
          FieldVector vector = Columns.slice(whole, slice[1], slice[2], allocator)) {
        for (Nulls policy : POLICIES) {
          if (policy.fillValue() == 0 || !isCustom(sample)) {
            new Case(sample, vector, policy, Arrays.toString(slice) + " " + policy).check();
          }
        }
      }
    }
  }

  /** Into complex numbers and the like only 0 can be filled. */
  private static boolean isCustom(Sample sample) {
    return sample.leaf().getMetadata().containsValue("arrowtensor.dtype")
        && !sample.dtype().equals(io.arrowtensor.DType.BFLOAT16);
  }

  /** One vector under one policy. */
  private static final class Case {
    private final Sample sample;
    private final FieldVector vector;
    private final Nulls policy;
    private final String name;
    private final Options options;
    private final int rows;
    private boolean rowNulls;
    private boolean innerNulls;
    private boolean innerNullsInRows;
    private final boolean[] complete;

    Case(Sample sample, FieldVector vector, Nulls policy, String name) {
      this.sample = sample;
      this.vector = vector;
      this.policy = policy;
      this.name = name;
      this.options = sample.options().withNulls(policy);
      this.rows = vector.getValueCount();
      this.complete = new boolean[rows];
      findNulls();
    }

    private void findNulls() {
      Arrays.fill(complete, true);
      for (int i = 0; i < rows; i++) {
        rowNulls |= vector.isNull(i);
        complete[i] = !vector.isNull(i);
      }
      FieldVector level = vector;
      int perRow = 1;
      while (level instanceof FixedSizeListVector list) {
        level = list.getDataVector();
        perRow *= list.getListSize();
        for (int i = 0; i < rows * perRow; i++) {
          if (level.isNull(i)) {
            innerNulls = true;
            innerNullsInRows |= !vector.isNull(i / perRow);
            complete[i / perRow] = false;
          }
        }
      }
    }

    private boolean copies() {
      boolean fills = policy.fills() && (rowNulls || innerNulls);
      return fills || sample.isBitPacked();
    }

    void check() {
      checkArray();
      checkColumn();
    }

    private void checkArray() {
      boolean refused = (policy.equals(Nulls.REJECT) || policy.masks()) && (rowNulls || innerNulls);
      if (refused) {
        assertThatThrownBy(() -> DeviceArray.from(Vectors.view(vector), options).close())
            .as(name)
            .isInstanceOf(NullsException.class)
            .hasMessageStartingWith("Cannot hand out column 'column'");
        return;
      }
      try (DeviceArray array = DeviceArray.from(Vectors.view(vector), options)) {
        checkValues(array);
      }
    }

    private void checkColumn() {
      boolean refused =
          (policy.equals(Nulls.REJECT) && (rowNulls || innerNulls))
              || (policy.equals(Nulls.MASK) && innerNullsInRows);
      if (refused) {
        assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector), options).close())
            .as(name)
            .isInstanceOf(NullsException.class)
            .hasMessageContaining("column 'column' with nulls")
            .hasMessageContaining("row " + firstRefusedRow() + " is the first");
        return;
      }
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector), options)) {
        assertThat(column.name()).isEqualTo("column");
        assertThat(column.rowCount()).as(name).isEqualTo(rows);
        checkValues(column.values());
        checkValidity(column.validity());
      }
    }

    private int firstRefusedRow() {
      for (int i = 0; i < rows; i++) {
        boolean wholeRows = policy.equals(Nulls.REJECT) && rowNulls;
        if (wholeRows ? vector.isNull(i) : !complete[i]) {
          if (!policy.equals(Nulls.MASK) || !vector.isNull(i)) {
            return i;
          }
        }
      }
      return -1;
    }

    private void checkValidity(DeviceArray validity) {
      boolean masked =
          (policy.equals(Nulls.MASK) && rowNulls)
              || (policy.equals(Nulls.PROPAGATE) && (rowNulls || innerNulls));
      assertThat(validity != null).as("%s has a mask", name).isEqualTo(masked);
      if (validity == null) {
        return;
      }
      assertThat(validity.outcome()).as(name).isEqualTo(Outcome.copied(rows, CopyReason.VALIDITY));
      for (int i = 0; i < rows; i++) {
        boolean present = policy.equals(Nulls.MASK) ? !vector.isNull(i) : complete[i];
        assertThat(validity.byteBuffer().get(i))
            .as("%s, row %d", name, i)
            .isEqualTo((byte) (present ? 1 : 0));
      }
    }

    private void checkValues(DeviceArray array) {
      assertThat(array.dtype()).as(name).isEqualTo(sample.dtype());
      assertThat(array.shape()).as(name).isEqualTo(sample.shape(rows));
      assertThat(array.dimNames()).as(name).isEqualTo(sample.dimNames());
      assertThat(array.outcome()).as(name).isEqualTo(outcome(array.nbytes()));
      assertThat(array.isReadOnly()).as(name).isEqualTo(!copies());
      if (!copies() && array.nbytes() > 0) {
        assertThat(array.address()).as(name).isEqualTo(leafAddress());
      }
      long[] strides = array.strides();
      int width = array.dtype().itemSize();
      Elements.forEach(
          array.shape(),
          index -> {
            byte[] expected = expected(index, width);
            if (expected != null) {
              long at = array.address() + Elements.offset(index, strides) * width;
              assertThat(Elements.read(at, width))
                  .as("%s at %s", name, Arrays.toString(index))
                  .isEqualTo(expected);
            }
          });
    }

    private Outcome outcome(long bytes) {
      if (!copies()) {
        return Outcome.zeroCopy(bytes);
      }
      boolean filled = policy.fills() && (rowNulls || innerNulls);
      return Outcome.copied(bytes, filled ? CopyReason.NULL_FILL : CopyReason.BIT_PACKED);
    }

    private long leafAddress() {
      FieldVector leaf = vector;
      while (leaf instanceof FixedSizeListVector list) {
        leaf = list.getDataVector();
      }
      return leaf.getDataBufferAddress();
    }

    /** Null where a null slot is handed over as it is. */
    private byte[] expected(long[] index, int width) {
      Object value = Columns.element(vector, sample.arrowIndex(index));
      if (value != null) {
        return Columns.bytesOf(value, sample.leaf().getType(), width);
      }
      if (!policy.fills()) {
        return null;
      }
      ByteBuffer fill = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
      fill.putLong(0, NullFill.bits(sample.dtype(), policy.fillValue()));
      return Arrays.copyOf(fill.array(), width);
    }
  }
}
