package io.arrowtensor.arrow;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import org.jspecify.annotations.Nullable;

/** A C stream that was taken over: pulls its arrays and reads each with suspicion. */
final class StreamImport implements BatchStream {
  private static final int MAX_TEXT = 1 << 16;

  private final TakenStruct stream;
  private final Options options;
  private final CSchema arrays;
  private final BatchSchema schema;
  private boolean ended;
  private boolean closed;

  private StreamImport(TakenStruct stream, Options options) {
    this.stream = stream;
    this.options = options;
    this.arrays = readSchema();
    this.schema = NodeSchemas.batch(arrays, options);
  }

  static BatchStream take(long stream, Kind kind, Options options) {
    NativeLibrary.require();
    TakenStruct taken = TakenStruct.move(kind, stream);
    try {
      return new StreamImport(taken, options);
    } catch (RuntimeException | Error e) {
      taken.release();
      throw e;
    }
  }

  private CSchema readSchema() {
    TakenStruct struct =
        TakenStruct.filled(
            Kind.SCHEMA, out -> call(Abi.ArrayStream.GET_SCHEMA, "get_schema", "schema", out));
    if (struct == null) {
      throw new InvalidStructException(
          "Invalid " + stream.kind.type + ": it gives a released schema");
    }
    try {
      return SchemaReader.read(struct.address);
    } finally {
      struct.release();
    }
  }

  @Override
  public BatchSchema schema() {
    return schema;
  }

  @Override
  public @Nullable OwnedBatch next() {
    if (closed) {
      throw new IllegalStateException(
          "Cannot read a stream that was closed: close it behind its last batch");
    }
    if (ended) {
      return null;
    }
    boolean onDevice = stream.kind == Kind.DEVICE_STREAM;
    TakenStruct array =
        TakenStruct.filled(
            onDevice ? Kind.DEVICE_ARRAY : Kind.ARRAY,
            out -> call(Abi.ArrayStream.GET_NEXT, "get_next", "next batch", out));
    if (array == null) {
      ended = true;
      return null;
    }
    if (onDevice) {
      requireSameDevice(array);
    }
    NodeSource source = CDataImport.source(arrays, array);
    return NodeSchemas.isBatch(arrays)
        ? source.openBatch(options)
        : OwnedBatch.of(source.openColumn(options));
  }

  private void requireSameDevice(TakenStruct array) {
    int expected = RawMemory.intAt(stream.address + Abi.DeviceArrayStream.DEVICE_TYPE);
    int found = RawMemory.intAt(array.address + Abi.DeviceArray.DEVICE_TYPE);
    if (found != expected) {
      array.release();
      throw new InvalidStructException(
          "Invalid ArrowDeviceArray: it is on device type "
              + new DeviceType(found)
              + ", its stream on "
              + new DeviceType(expected));
    }
  }

  private long callbacks() {
    return stream.kind == Kind.DEVICE_STREAM
        ? stream.address + Abi.DeviceArrayStream.STREAM
        : stream.address;
  }

  private void call(int callback, String name, String what, long out) {
    long function = RawMemory.longAt(callbacks() + callback);
    if (function == 0) {
      throw new InvalidStructException(
          "Invalid " + stream.kind.type + ": its " + name + " is null");
    }
    int errno = (int) Native.call(function, stream.address, out, 0, 0, 0, 0);
    if (errno != 0) {
      throw new StreamException(
          "Cannot read the "
              + what
              + " of an "
              + stream.kind.type
              + ": error "
              + errno
              + " of its producer: "
              + lastError(),
          errno);
    }
  }

  private String lastError() {
    long function = RawMemory.longAt(callbacks() + Abi.ArrayStream.GET_LAST_ERROR);
    long text = function == 0 ? 0 : Native.call(function, stream.address, 0, 0, 0, 0, 0);
    String message = text == 0 ? "" : RawMemory.cString(text, MAX_TEXT);
    return message.isEmpty() ? "it gives no reason" : message;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      stream.release();
    }
  }
}
