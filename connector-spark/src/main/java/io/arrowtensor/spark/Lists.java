package io.arrowtensor.spark;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.jspecify.annotations.Nullable;

/** Where the arrays of a column start and end in the column of all their elements. */
interface Lists {
  /** The first element of the array in {@code row}. */
  int start(int row);

  /** The number of elements of the array in {@code row}. */
  int size(int row);

  /** All elements; borrowed. */
  ColumnVector elements();

  /** The arrays of {@code vector}; null when it holds none, or hides where they are. */
  static @Nullable Lists of(ColumnVector vector) {
    if (!(vector.dataType() instanceof ArrayType)) {
      return null;
    }
    if (vector instanceof WritableColumnVector lists) {
      return new SparkLists(lists);
    }
    boolean arrow = vector.getClass() == ArrowColumnVector.class;
    return arrow && ((ArrowColumnVector) vector).getValueVector() instanceof ListVector lists
        ? new ArrowLists(lists.getOffsetBuffer(), new ArrowColumnVector(lists.getDataVector()))
        : null;
  }

  /** Spark's own layout. */
  record SparkLists(WritableColumnVector lists) implements Lists {
    @Override
    public int start(int row) {
      return lists.getArrayOffset(row);
    }

    @Override
    public int size(int row) {
      return lists.getArrayLength(row);
    }

    @Override
    public ColumnVector elements() {
      return lists.arrayData();
    }
  }

  /** Arrow's layout. */
  record ArrowLists(ArrowBuf offsets, ColumnVector elements) implements Lists {
    @Override
    public int start(int row) {
      return offsets.getInt(4L * row);
    }

    @Override
    public int size(int row) {
      return offsets.getInt(4L * (row + 1)) - offsets.getInt(4L * row);
    }
  }
}
