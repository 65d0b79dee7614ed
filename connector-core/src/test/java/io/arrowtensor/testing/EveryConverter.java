package io.arrowtensor.testing;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.python.ArrayInterface;
import io.arrowtensor.python.PyArrayInterface;
import io.arrowtensor.python.PyBuffer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Sends one vector through every converter; called by reflection in a class loader of its own. */
public final class EveryConverter {
  private EveryConverter() {}

  /** What arrived, in words. */
  public static String run() {
    Options options = Options.defaults();
    long schema = 0;
    long array = 0;
    String said;
    try (BufferAllocator allocator = new RootAllocator();
        IntVector vector = ints(allocator);
        VectorSchemaRoot root = VectorSchemaRoot.of(ints(allocator));
        OwnedBatch batch = DeviceBatch.from(Vectors.view(root));
        VectorSchemaRoot back = Vectors.toRoot(batch, allocator, options)) {
      long struct = Dlpack.export(Vectors.view(vector));
      schema = Native.allocate(72, 16);
      array = Native.allocate(80, 16);
      try (DeviceArray taken = DeviceArray.from(Dlpack.take(struct))) {
        CData.export(taken, "n", options, schema, array);
      }
      try (DeviceColumn column = DeviceColumn.from(CData.take(schema, array));
          FieldVector wrapped = Vectors.wrap(column.array(), "n", allocator)) {
        said = wrapped.getObject(0) + "+" + wrapped.getObject(1) + "+" + wrapped.getObject(2);
      }
      CData.export(batch, options, schema, array);
      try (OwnedBatch again = DeviceBatch.from(CData.take(schema, array))) {
        said += ", " + again.rowCount() + " rows";
      }
      said += ", " + throughPython(vector) + " bytes by Python's protocols";
      if (back.getRowCount() != 3) {
        said += ", but " + back.getRowCount() + " in the root";
      }
    } finally {
      Native.free(schema);
      Native.free(array);
    }
    return said + ", " + NativeBytes.held() + " bytes held";
  }

  /** Through each of Python's protocols, one over the other; the bytes that arrive. */
  private static long throughPython(IntVector vector) {
    long view = Native.allocate(80, 16);
    long struct = PyArrayInterface.export(Vectors.view(vector));
    try (DeviceArray shared = DeviceArray.from(PyArrayInterface.borrow(struct));
        DeviceArray described =
            DeviceArray.from(ArrayInterface.borrow(ArrayInterface.of(shared).toJson()))) {
      PyBuffer.fill(view, described, 0x1c);
      try (DeviceArray last =
          DeviceArray.from(PyBuffer.borrow(view, () -> PyBuffer.release(view)))) {
        return last.nbytes();
      }
    } finally {
      PyArrayInterface.delete(struct);
      Native.free(view);
    }
  }

  private static IntVector ints(BufferAllocator allocator) {
    IntVector vector = new IntVector("n", allocator);
    vector.allocateNew(3);
    for (int i = 0; i < 3; i++) {
      vector.set(i, i);
    }
    vector.setValueCount(3);
    return vector;
  }
}
