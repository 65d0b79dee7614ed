package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.Copy;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;

/**
 * An array that Python holds: one reference to its memory, dropped with the block. The block can be
 * read without a call.
 */
final class ArrayHandle extends Handle implements ArraySource {
  private static final Options[] OPTIONS = {
    Options.defaults(),
    Options.defaults().withCopy(Copy.NEVER),
    Options.defaults().withCopy(Copy.ALWAYS)
  };

  private final Memory memory;

  private ArrayHandle(Memory memory) {
    this.memory = unbounded(memory);
  }

  /**
   * The same memory without the end of the batch that lent it: its owner has seen to that.
   *
   * @param memory of {@link Memory#forExport}
   */
  static Memory unbounded(Memory memory) {
    return memory.scope() == null
        ? memory
        : new Memory(
            memory.address(),
            memory.dtype(),
            memory.shape(),
            memory.strides(),
            memory.offset(),
            memory.device(),
            memory.dimNames(),
            memory.readOnly(),
            memory.owner(),
            null,
            memory.outcome());
  }

  /** A block for {@code memory} of {@link Memory#forExport}, which it takes over. */
  static long of(Memory memory) {
    try {
      return new ArrayHandle(memory).describe();
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  private long describe() {
    Outcome known = memory.outcome();
    Outcome outcome = known != null ? known : Outcome.zeroCopy(memory.nbytes());
    int ndim = memory.shape().length;
    long block = publish(Protocol.Handle.ARRAY, Protocol.Array.SHAPE + 16L * ndim);
    RawMemory.putInt(block + Protocol.Array.DEVICE_TYPE, memory.device().type().code());
    RawMemory.putInt(block + Protocol.Array.DEVICE_ID, memory.device().id());
    RawMemory.putInt(block + Protocol.Array.NDIM, ndim);
    RawMemory.putInt(block + Protocol.Array.READ_ONLY, memory.readOnly() ? 1 : 0);
    RawMemory.putLong(block + Protocol.Array.ADDRESS, memory.start());
    RawMemory.putLong(block + Protocol.Array.BYTES, memory.nbytes());
    RawMemory.putLong(block + Protocol.Array.ITEM_SIZE, memory.dtype().itemSize());
    RawMemory.putLong(block + Protocol.Array.ZERO_COPY_BYTES, outcome.zeroCopyBytes());
    RawMemory.putLong(block + Protocol.Array.DECODED_BYTES, outcome.decodedBytes());
    RawMemory.putLong(block + Protocol.Array.COPIED_BYTES, outcome.copiedBytes());
    long shape = block + Protocol.Array.SHAPE;
    for (int d = 0; d < ndim; d++) {
      RawMemory.putLong(shape + 8L * d, memory.shape()[d]);
      RawMemory.putLong(shape + 8L * (ndim + d), memory.strides()[d]);
    }
    return block;
  }

  @Override
  boolean speaksDlpack(int operation) {
    return operation <= Protocol.Array.DLPACK_TO;
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Array.DLPACK -> Dlpack.export(this, OPTIONS[(int) argument]);
      case Protocol.Array.DLPACK_UNVERSIONED ->
          Dlpack.exportUnversioned(this, OPTIONS[(int) argument]);
      case Protocol.Array.DLPACK_TO -> {
        Options options = placed(argument);
        boolean versioned = RawMemory.longAt(argument + 24) != 0;
        yield versioned ? Dlpack.export(this, options) : Dlpack.exportUnversioned(this, options);
      }
      case Protocol.Array.ARROW -> {
        ArrowStructs.fill(
            argument, (schema, array) -> CData.export(this, "", OPTIONS[0], schema, array));
        yield 0;
      }
      case Protocol.Array.DTYPE -> text(0, memory.dtype().toString());
      case Protocol.Array.REASON -> {
        Outcome outcome = memory.outcome();
        yield outcome == null || outcome.reason() == null ? 0 : text(0, outcome.reason().name());
      }
      default -> throw unknown(operation);
    };
  }

  /** The options {@code [copy, device type or -1, device id]} of a call. */
  static Options placed(long arguments) {
    Options options = OPTIONS[(int) RawMemory.longAt(arguments)];
    long type = RawMemory.longAt(arguments + 8);
    long id = RawMemory.longAt(arguments + 16);
    return type < 0
        ? options
        : options.withDevice(
            new Device(new DeviceType(Math.toIntExact(type)), Math.toIntExact(id)));
  }

  /** One more reference to the memory. */
  @Override
  public Memory open(Options options) {
    Owner owner = memory.owner();
    return owner == null ? memory : memory.withOwner(owner.retain());
  }

  @Override
  void close() {
    memory.release();
  }
}
