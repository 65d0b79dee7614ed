package io.arrowtensor.arrow;

import io.arrowtensor.BatchStream;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.arrow.memory.OutOfMemoryException;
import org.jspecify.annotations.Nullable;

/**
 * What stands behind a C stream that we produce: answers its calls. The consumer makes one at a
 * time, as the interface demands.
 */
final class StreamExport extends Owner {
  /** Bytes of the block, which holds the text of the last error and a terminating 0. */
  private static final int BLOCK = 1024;

  private static final int EIO = 5;
  private static final int ENOMEM = 12;
  private static final int EINVAL = 22;

  private final @Nullable BatchStream source;
  private final @Nullable DeviceType deviceType;
  private final Options options;
  private @Nullable SchemaNode schema;
  private @Nullable ExportNode pending;
  private @Nullable Throwable failure;
  private boolean ended;
  private long block;

  /**
   * Answers for {@code source}.
   *
   * @param source null for no batch but the pending one
   * @param deviceType of every array, null where arrays are the host's
   */
  private StreamExport(
      @Nullable BatchStream source, @Nullable DeviceType deviceType, Options options) {
    this.source = source;
    this.deviceType = deviceType;
    this.options = options;
  }

  /** Fills a stream over {@code source}, which it takes over. */
  static void write(
      BatchStream source, @Nullable DeviceType deviceType, Options options, long stream) {
    new StreamExport(source, deviceType, options).write(stream);
  }

  /** Fills a stream of either kind that has one batch. */
  static void write(DeviceBatch batch, Kind kind, Options options, long stream) {
    ExportNode node = ExportNode.of(batch, options);
    StreamExport export;
    try {
      Place place = kind == Kind.STREAM ? Place.ofHost(node) : Place.of(node);
      export = new StreamExport(null, kind == Kind.STREAM ? null : place.device().type(), options);
    } catch (RuntimeException | Error e) {
      node.close();
      throw e;
    }
    export.pending = node;
    export.schema = node.schema();
    export.write(stream);
  }

  private void write(long struct) {
    Kind kind = deviceType == null ? Kind.STREAM : Kind.DEVICE_STREAM;
    try {
      kind.requireAddress(struct);
      NativeLibrary.require();
      block = Native.newExport(this, BLOCK);
      if (block == 0) {
        throw new InterchangeException(
            "Cannot export an " + kind.type + ": the system has no memory left");
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, Arrays.asList(this::release));
      throw e;
    }
    RawMemory.fill(struct, kind.size, (byte) 0);
    long stream = struct;
    int callbacks = Native.ARROW_STREAM;
    if (deviceType != null) {
      RawMemory.putInt(struct + Abi.DeviceArrayStream.DEVICE_TYPE, deviceType.code());
      stream = struct + Abi.DeviceArrayStream.STREAM;
      callbacks = Native.ARROW_DEVICE_STREAM;
    }
    for (int i = 0; i < 4; i++) {
      RawMemory.putLong(
          stream + Abi.ArrayStream.GET_SCHEMA + 8L * i, Native.callback(callbacks + i));
    }
    RawMemory.putLong(stream + Abi.ArrayStream.PRIVATE_DATA, block);
  }

  /**
   * Answers {@code get_schema} and {@code get_next} with an error number, 0 for success. After a
   * failure every call fails with it: what is left of the stream must not pass for all of it.
   */
  @Override
  protected long call(long operation, long out) {
    if (failure != null) {
      return failed(failure);
    }
    try {
      RawMemory.putByte(block, (byte) 0);
      if (operation == Native.STREAM_SCHEMA) {
        CDataExport.writeSchema(schema(), out);
      } else {
        next(out);
      }
      return 0;
    } catch (Throwable e) { // there is nobody behind this call to catch it
      failure = e;
      return failed(e);
    }
  }

  /** The first batch's, which is pulled for it; that of the source where there is none. */
  private SchemaNode schema() {
    SchemaNode known = schema;
    if (known == null) {
      pending = pull();
      known = pending != null ? pending.schema() : SchemaNode.of(source().schema());
      schema = known;
    }
    return known;
  }

  private void next(long out) {
    SchemaNode expected = schema();
    ExportNode node = pending != null ? pending : pull();
    pending = null;
    Kind kind = deviceType == null ? Kind.ARRAY : Kind.DEVICE_ARRAY;
    if (node == null) {
      RawMemory.fill(out, kind.size, (byte) 0); // a released array is the end
      return;
    }
    Place place = CDataExport.place(node, kind);
    try {
      requireSame(node, place, expected);
    } catch (RuntimeException | Error e) {
      node.close();
      throw e;
    }
    CDataExport.writeArray(node, place, out, kind);
  }

  private void requireSame(ExportNode node, Place place, SchemaNode expected) {
    if (!node.schema().equals(expected)) {
      throw new UnsupportedTypeException(
          "Cannot export a batch of the stream: its schema is "
              + node.schema()
              + ", that of the stream "
              + expected);
    }
    if (deviceType != null && !place.device().type().equals(deviceType)) {
      throw new DeviceMismatchException(
          "Cannot export a batch of the stream: it is on "
              + place.device()
              + ", the stream on "
              + deviceType
              + "; transfer it first");
    }
  }

  private @Nullable ExportNode pull() {
    if (ended || source == null) {
      return null;
    }
    ExportNode node = null;
    try (OwnedBatch batch = source.next()) {
      ended = batch == null;
      node = batch == null ? null : ExportNode.of(batch, options);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, Arrays.asList(node)); // of a batch that failed to close
      throw e;
    }
    return node;
  }

  private BatchStream source() {
    if (source == null) {
      throw new IllegalStateException("Cannot ask for a schema that is known");
    }
    return source;
  }

  private long failed(Throwable e) {
    String text = e.getMessage() == null ? e.toString() : e.getMessage();
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(utf8.length, BLOCK - 1);
    while (length < utf8.length && (utf8[length] & 0xc0) == 0x80) {
      length--; // no half character
    }
    RawMemory.copyFrom(utf8, 0, block, length);
    RawMemory.putByte(block + length, (byte) 0);
    if (e instanceof StreamException stated && stated.errno() != 0) {
      return stated.errno();
    }
    if (e instanceof OutOfMemoryException || e instanceof OutOfMemoryError) {
      return ENOMEM;
    }
    return e instanceof InterchangeException ? EINVAL : EIO;
  }

  @Override
  protected void free() {
    Closing.all(Arrays.asList(pending, source));
  }
}
