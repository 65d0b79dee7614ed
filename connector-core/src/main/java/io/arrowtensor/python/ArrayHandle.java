package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.Copy;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Stream;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Abi;
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
  private final Outcome outcome;
  private long tensor;

  private ArrayHandle(Memory memory, Outcome outcome) {
    this.memory = memory;
    this.outcome = outcome;
  }

  /** The block of a new handle on what {@code source} and {@code options} make. */
  static long share(ArraySource source, Options options) {
    try (DeviceArray array = DeviceArray.from(source, options)) {
      Memory memory = lasting(array, options);
      Outcome kept = memory.outcome();
      ArrayHandle handle = new ArrayHandle(plain(memory), kept == null ? array.outcome() : kept);
      try {
        return handle.describe();
      } catch (RuntimeException | Error e) {
        handle.close();
        throw e;
      }
    }
  }

  /**
   * The memory of {@code array}, whose end nothing but its owner says. It is not waited for: each
   * consumer in Python names its own stream.
   */
  static Memory lasting(DeviceArray array, Options options) {
    Options once = options.copy() == Copy.ALWAYS ? options.withCopy(Copy.IF_NEEDED) : options;
    boolean host = array.device().type().isHostAccessible();
    return Memory.forExport(array, host ? once : once.withStream(Stream.NO_SYNC));
  }

  /**
   * Without the batch that lent it, whose end {@link Memory#forExport} has seen to, and without the
   * copy that was made, so that {@code copy=True} makes another.
   */
  static Memory plain(Memory memory) {
    return new Memory(
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
        null,
        memory.ready());
  }

  private long describe() {
    int ndim = memory.shape().length;
    // Consumers of ready memory get one struct, as they differ in nothing.
    tensor =
        memory.dtype().isWholeBytes() && memory.ready().isNow()
            ? Dlpack.export(this, OPTIONS[0])
            : 0;
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
    RawMemory.putLong(block + Protocol.Array.TENSOR, tensor);
    Structs.putLongs(block + Protocol.Array.SHAPE, memory.shape());
    Structs.putLongs(block + Protocol.Array.SHAPE + 8L * ndim, memory.strides());
    return block;
  }

  @Override
  boolean speaksDlpack(int operation) {
    return operation == Protocol.Array.DLPACK;
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Array.DLPACK -> dlpack(argument);
      case Protocol.Array.ARROW ->
          ArrowStructs.pair(
              argument,
              Abi.Array.SIZE,
              (schema, array) -> CData.export(this, "", OPTIONS[0], schema, array));
      case Protocol.Array.ARROW_DEVICE ->
          ArrowStructs.pair(
              argument,
              Abi.DeviceArray.SIZE,
              (schema, array) -> CDevice.export(this, "", OPTIONS[0], schema, array));
      case Protocol.Array.DTYPE -> text(0, memory.dtype().toString());
      case Protocol.Array.REASON -> outcome.reason() == null ? 0 : text(0, outcome.reason().name());
      case Protocol.Array.INTERFACE -> text(0, hostInterface());
      case Protocol.Array.CUDA_INTERFACE -> text(0, cudaInterface());
      case Protocol.Array.STRUCT -> PyArrayInterface.export(this);
      default -> throw unknown(operation);
    };
  }

  private long dlpack(long arguments) {
    Options options = placed(arguments);
    Device device = options.device();
    DeviceType type = (device == null ? memory.device() : device).type();
    boolean streamed = RawMemory.longAt(arguments + 32) != 0;
    Options ordered =
        streamed ? options.withStream(Stream.of(RawMemory.longAt(arguments + 40), type)) : options;
    return RawMemory.longAt(arguments + 24) != 0
        ? Dlpack.export(this, ordered)
        : Dlpack.exportUnversioned(this, ordered);
  }

  private String hostInterface() {
    try (DeviceArray array = DeviceArray.from(this)) {
      return ArrayInterface.of(array).toJson();
    }
  }

  private String cudaInterface() {
    try (DeviceArray array = DeviceArray.from(this)) {
      return CudaArrayInterface.of(array).toJson();
    }
  }

  /** The options {@code [copy, device type or -1, device id]} of a call. */
  static Options placed(long arguments) {
    Options options = OPTIONS[(int) RawMemory.longAt(arguments)];
    int type = (int) RawMemory.longAt(arguments + 8);
    int id = (int) RawMemory.longAt(arguments + 16);
    return type < 0 ? options : options.withDevice(new Device(new DeviceType(type), id));
  }

  /** One more reference to the memory. */
  @Override
  public Memory open(Options options) {
    Owner owner = memory.owner();
    return owner == null ? memory : memory.withOwner(owner.retain());
  }

  @Override
  void close() {
    if (tensor != 0) {
      Dlpack.delete(tensor);
    }
    memory.release();
  }
}
