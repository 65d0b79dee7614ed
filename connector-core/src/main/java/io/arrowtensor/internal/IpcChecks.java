package io.arrowtensor.internal;

import io.arrowtensor.InvalidStructException;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.BaseLargeVariableWidthVector;
import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.validate.ValidateVectorBufferVisitor;

/**
 * Checks vectors whose buffers came from a file or a stream: sizes by Arrow, the order of offsets
 * here.
 */
public final class IpcChecks {
  private IpcChecks() {}

  /**
   * Checks {@code vector} and its children.
   *
   * @throws RuntimeException saying what does not fit
   */
  public static void require(FieldVector vector) {
    vector.accept(new ValidateVectorBufferVisitor(), null);
    requireOffsets(vector);
  }

  private static void requireOffsets(FieldVector vector) {
    if (vector instanceof BaseVariableWidthVector || vector instanceof ListVector) {
      requireInts(vector.getOffsetBuffer(), vector.getValueCount());
    } else if (vector instanceof BaseLargeVariableWidthVector
        || vector instanceof LargeListVector) {
      requireLongs(vector.getOffsetBuffer(), vector.getValueCount());
    }
    vector.getChildrenFromFields().forEach(IpcChecks::requireOffsets);
  }

  /** That the last offset fits was checked: so do those that never fall. */
  private static void requireInts(ArrowBuf offsets, int rows) {
    int before = 0;
    for (int i = 0; rows > 0 && i <= rows; i++) {
      int offset = RawMemory.intAt(offsets.memoryAddress() + 4L * i);
      if (offset < before) {
        throw falling(i, before, offset);
      }
      before = offset;
    }
  }

  private static void requireLongs(ArrowBuf offsets, int rows) {
    long before = 0;
    for (int i = 0; rows > 0 && i <= rows; i++) {
      long offset = RawMemory.longAt(offsets.memoryAddress() + 8L * i);
      if (offset < before) {
        throw falling(i, before, offset);
      }
      before = offset;
    }
  }

  private static InvalidStructException falling(int i, long before, long offset) {
    return new InvalidStructException(
        "Invalid offset " + i + ": " + offset + " behind " + before + ", which is larger");
  }
}
