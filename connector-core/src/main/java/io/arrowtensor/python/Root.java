package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchSource;
import io.arrowtensor.BatchStream;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Ready;
import io.arrowtensor.Storage;
import io.arrowtensor.Stream;
import io.arrowtensor.arrow.ArrowSource;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/** What Python starts from: the interpreter's functions, and the ways in. Never dropped. */
final class Root extends Endpoint {
  /** Batches keep nulls as masks and dates, times and text as what they are stored in. */
  private static final Options MASKED =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private static final int MAX_JSON = 1 << 20;

  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);
  private static final long POLL = TimeUnit.MICROSECONDS.toNanos(100);

  private final Interpreter interpreter = new Interpreter();

  /** The block of a new root. */
  static long publish() {
    long block = newBlock(new Root(), Protocol.Root.SIZE);
    RawMemory.putLong(block + Protocol.Root.VERSION, Protocol.VERSION);
    RawMemory.putLong(block + Protocol.Root.TABLE, Native.callback(Native.PYTHON_TABLE));
    return block;
  }

  /**
   * Python threads may be here when the JVM stops. One that held Python's lock and called in later
   * would wait for ever, and the process with it: so none is let in any more, and those that are in
   * are waited for.
   */
  static void endCallbacks() {
    long function = Native.callback(Native.END_CALLBACKS);
    long deadline = System.nanoTime() + PATIENCE;
    while (Native.call(function, 0, 0, 0, 0, 0, 0) > 0 && System.nanoTime() < deadline) {
      LockSupport.parkNanos(POLL);
    }
  }

  @Override
  boolean speaksDlpack(int operation) {
    return operation == Protocol.Root.TAKE_DLPACK;
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Root.OPEN -> {
        interpreter.open(word(argument, 0), word(argument, 1), word(argument, 2));
        yield 0;
      }
      case Protocol.Root.CLOSE -> {
        interpreter.close();
        yield 0;
      }
      case Protocol.Root.TAKE_DLPACK -> array(guarded(tensor(argument)), argument + 16);
      case Protocol.Root.TAKE_ARROW ->
          array(guarded(arrow(argument, word(argument, 5) != 0)), argument + 16);
      case Protocol.Root.TAKE_BATCH -> batch(arrow(argument, word(argument, 2) != 0));
      case Protocol.Root.TAKE_STREAM -> StreamHandle.of(stream(argument));
      case Protocol.Root.BORROW_INTERFACE ->
          borrowed(argument, release -> ArrayInterface.borrow(json(argument), release));
      case Protocol.Root.BORROW_CUDA -> borrowed(argument, release -> cuda(argument, release));
      case Protocol.Root.BORROW_STRUCT ->
          borrowed(argument, release -> PyArrayInterface.borrow(word(argument, 0), release));
      case Protocol.Root.BORROW_BUFFER ->
          borrowed(argument, release -> PyBuffer.borrow(word(argument, 0), release));
      default -> throw unknown(operation);
    };
  }

  /** A new array of what Python has given us, under the options at {@code options}. */
  private static long array(ArraySource source, long options) {
    return ArrayHandle.share(source, ArrayHandle.placed(options));
  }

  /** What a library in Python made: its deleter may enter the interpreter. */
  private ArraySource guarded(ArraySource source) {
    return options -> interpreter.guarded(source.open(options));
  }

  /** Memory of an object whose reference the call hands over, also when it fails. */
  private long borrowed(long arguments, Function<Runnable, ArraySource> borrow) {
    long object = word(arguments, 1);
    Runnable release = () -> interpreter.drop(object);
    ArraySource source;
    try {
      source = borrow.apply(release);
    } catch (RuntimeException | Error e) {
      release.run();
      throw e;
    }
    return array(source, arguments + 16);
  }

  /**
   * Ordered after the producer's stream, for each consumer of the array. The interface does not
   * name the device, but CUDA knows that of each address; without elements there is none.
   */
  private static ArraySource cuda(long arguments, Runnable release) {
    CudaArrayInterface description = CudaArrayInterface.parse(json(arguments));
    long address = description.description().address();
    Device device = address == 0 ? Device.cuda(0) : Backends.deviceOf(DeviceType.CUDA, address);
    ArraySource source = CudaArrayInterface.borrow(description, device, release);
    return options ->
        source
            .open(options.withStream(Stream.NO_SYNC))
            .withReady(Ready.afterStream(description.stream()));
  }

  private static String json(long arguments) {
    return RawMemory.cString(word(arguments, 0), MAX_JSON);
  }

  /**
   * What a producer made that was asked for no stream: its work is done, or on the default stream.
   * The host waits at once for memory that it can read, other memory for its consumers.
   */
  private static Memory tensor(long arguments) {
    Memory memory =
        word(arguments, 1) == 0
            ? (Memory) Dlpack.takeUnversioned(word(arguments, 0))
            : versioned(word(arguments, 0), arguments + 16);
    DeviceType type = memory.device().type();
    boolean streams = type.equals(DeviceType.CUDA) || type.equals(DeviceType.CUDA_MANAGED);
    return streams && memory.nbytes() > 0
        ? memory.withReady(Ready.afterStream(Stream.DEFAULT))
        : memory;
  }

  /** A copy that the producer made, as {@code copy=True} asks it to, is not made again. */
  private static Memory versioned(long struct, long placement) {
    Memory memory = (Memory) Dlpack.take(struct);
    long flags = RawMemory.longAt(struct + Abi.ManagedTensorVersioned.FLAGS);
    if ((flags & Abi.ManagedTensorVersioned.FLAG_IS_COPIED) == 0) {
      return memory;
    }
    Options options = ArrayHandle.placed(placement);
    if (options.copy() == Copy.NEVER) {
      memory.release();
      throw new CopyRefusedException(
          "Cannot take the array that __dlpack__() made: it is a copy (IS_COPIED) and copy=False"
              + " forbids it; leave copy at None");
    }
    CopyReason elsewhere =
        options.device() == null ? CopyReason.ENGINE_OUTPUT : CopyReason.TRANSFER;
    CopyReason reason = options.copy() == Copy.ALWAYS ? CopyReason.REQUESTED : elsewhere;
    return memory.withOutcome(Outcome.copied(memory.nbytes(), reason));
  }

  private static ArrowSource arrow(long arguments, boolean onDevice) {
    long schema = word(arguments, 0);
    long array = word(arguments, 1);
    return onDevice ? CDevice.take(schema, array) : CData.take(schema, array);
  }

  private long batch(BatchSource source) {
    try (OwnedBatch taken = DeviceBatch.from(source, MASKED)) {
      return BatchHandle.of(GuardedStream.guarded(interpreter, taken));
    }
  }

  private BatchStream stream(long arguments) {
    long struct = word(arguments, 0);
    boolean onDevice = word(arguments, 1) != 0;
    return new GuardedStream(
        interpreter,
        onDevice ? CDevice.takeStream(struct, MASKED) : CData.takeStream(struct, MASKED));
  }

  private static long word(long arguments, int index) {
    return RawMemory.longAt(arguments + 8L * index);
  }

  @Override
  protected void free() {
    throw new AssertionError("The entry of Python is never dropped");
  }
}
