package io.arrowtensor.python;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.RawMemory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What Python holds by the address of its block; released when the block is dropped. Known by
 * address, so that a number that comes from Python can be checked.
 */
abstract class Handle extends Endpoint {
  private static final Map<Long, Handle> HELD = new ConcurrentHashMap<>();

  private long block;

  /** Makes the block, once; the caller fills what lies behind its kind. */
  final long publish(long kind, long bytes) {
    block = newBlock(this, bytes);
    RawMemory.putLong(block + Protocol.Handle.ENTRY, PythonRuntime.entry());
    RawMemory.putLong(block + Protocol.Handle.KIND, kind);
    HELD.put(block, this);
    return block;
  }

  /** Gives back what is held; called once. */
  abstract void close();

  @Override
  protected final void free() {
    HELD.remove(block); // before C frees the block, whose address may come again
    close();
  }

  /**
   * The owner of a block.
   *
   * @throws InterchangeException when Python has dropped it, or it is of another kind
   */
  static <T extends Handle> T find(long block, Class<T> kind, String name) {
    Handle handle = HELD.get(block);
    if (!kind.isInstance(handle)) {
      throw new InterchangeException(
          "Cannot use handle "
              + block
              + ": Python holds no "
              + name
              + " by it; pass its attribute handle, and keep it open meanwhile");
    }
    return kind.cast(handle);
  }
}
