package io.arrowtensor.spark;

import io.arrowtensor.DType;
import io.arrowtensor.Memory;
import java.util.Optional;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Tells where a columnar format keeps its values, so that they reach functions without a copy.
 * Found by {@link java.util.ServiceLoader} on each executor; formats without an adapter are read
 * through their getters. Must be safe to call from several tasks at once.
 */
public interface ColumnVectorAdapter {
  /**
   * The values of a scalar column, one after the other. The format may hold any value in null
   * slots: nulls are asked for by {@link ColumnVector#isNullAt}.
   *
   * @param vector a vector of any class. Answer only for exactly the classes that are known: a
   *     wrapper or subclass may map rows
   * @param dtype the element type that the column's Spark type has in memory
   * @param rows how many values are wanted, from the first
   * @return row-major memory of {@code rows} elements of {@code dtype}, with an owner that keeps it
   *     alive, or without one when it lives until the next batch is read; empty when the vector is
   *     not known or its values do not lie there, such as those of a dictionary
   */
  Optional<Memory> values(ColumnVector vector, DType dtype, int rows);
}
