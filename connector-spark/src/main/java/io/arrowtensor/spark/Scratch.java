package io.arrowtensor.spark;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;

/** Memory for values that cannot be shared. */
final class Scratch {
  private Scratch() {}

  /**
   * Row-major memory with nothing in it yet, counted as copied for {@code reason}.
   *
   * @throws CopyRefusedException naming {@code column} when copies are forbidden
   */
  static Memory allocate(
      String column, Options options, CopyReason reason, DType dtype, long... shape) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot hand out column '"
              + column
              + "' without a copy ("
              + reason
              + "), and Copy.NEVER forbids one; "
              + remedy(reason));
    }
    return BulkCopy.allocateLike(Memory.borrow(0, dtype, shape), options, reason);
  }

  private static String remedy(CopyReason reason) {
    return reason == CopyReason.ON_HEAP
        ? "set spark.memory.offHeap.enabled or spark.sql.columnVector.offheap.enabled to true"
        : "allow it with Options.withCopy(Copy.IF_NEEDED)";
  }
}
