package io.arrowtensor.arrow;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.util.List;

/** Takes C structs over by moving them into memory of ours. */
final class CDataImport {
  private CDataImport() {}

  static ArrowSource take(long schema, long array) {
    NativeLibrary.require();
    Moved movedSchema;
    try {
      movedSchema = Moved.schema(schema);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(() -> Moved.array(array).release()));
      throw e;
    }
    Moved movedArray;
    try {
      movedArray = Moved.array(array);
    } catch (RuntimeException | Error e) {
      movedSchema.release();
      throw e;
    }
    try {
      CSchema read = SchemaReader.read(movedSchema.address);
      return new NodeSource(new CDataNode(read, movedArray.address, movedArray), movedArray);
    } catch (RuntimeException | Error e) {
      movedArray.release();
      throw e;
    } finally {
      movedSchema.release();
    }
  }

  /** A struct that was moved here; its release callback runs with the last reference. */
  private static final class Moved extends Owner {
    final long address;
    private final int size;
    private final int releaseOffset;

    private Moved(long address, int size, int releaseOffset) {
      this.address = address;
      this.size = size;
      this.releaseOffset = releaseOffset;
      NativeBytes.add(size);
    }

    static Moved schema(long source) {
      return from(source, Abi.Schema.SIZE, Abi.Schema.RELEASE, "ArrowSchema");
    }

    static Moved array(long source) {
      return from(source, Abi.Array.SIZE, Abi.Array.RELEASE, "ArrowArray");
    }

    private static Moved from(long source, int size, int releaseOffset, String type) {
      CDataExport.requireAddress(source, type);
      long release = RawMemory.longAt(source + releaseOffset);
      if (release == 0) {
        throw new InvalidStructException(
            "Cannot take a released " + type + ": its release callback is null");
      }
      long target = Native.allocate(size, 16);
      if (target == 0) {
        Native.call(release, source, 0, 0, 0, 0, 0);
        throw new InterchangeException(
            "Cannot take an " + type + ": the system has no memory left");
      }
      for (int word = 0; word < size; word += Long.BYTES) {
        RawMemory.putLong(target + word, RawMemory.longAt(source + word));
      }
      RawMemory.putLong(source + releaseOffset, 0);
      return new Moved(target, size, releaseOffset);
    }

    @Override
    protected void free() {
      Native.call(RawMemory.longAt(address + releaseOffset), address, 0, 0, 0, 0, 0);
      Native.free(address);
      NativeBytes.add(-size);
    }
  }
}
