package io.arrowtensor.engine;

import java.util.List;

/**
 * Which columns make up one input.
 *
 * @param input the input
 * @param columns positions in the batch; several are packed into one matrix in this order
 */
record Feed(Port input, List<Integer> columns) {

  boolean isPacked() {
    return columns.size() > 1;
  }

  /** The one column of an input that is not packed. */
  int column() {
    return columns.get(0);
  }
}
