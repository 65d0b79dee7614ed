package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Columns;

/**
 * Arrays and batches for Python in the same process, and back, without a copy. Everything passes as
 * one {@code long}, so any bridge will do that can carry one (JPype, JEP, ...); the Python package
 * {@code arrowtensor} makes objects of it that speak Python's protocols.
 *
 * <pre>{@code
 * long handle = PythonRuntime.share(Vectors.view(vector));   // Python: numpy.from_dlpack(arrowtensor.Array(handle))
 * DeviceArray back = PythonRuntime.array(handle);            // Python: arrowtensor.asarray(x).handle
 * }</pre>
 *
 * <p><b>Ownership.</b> A handle is Python's from {@link #share} on: exactly one Python object is
 * made of it, and what it shares is released when that object is closed or collected and everything
 * made from it is gone, on whichever thread that is. What Java makes of a handle has a reference of
 * its own and may outlive the Python object; memory that Python lent is given back on the thread
 * that drops the last reference, which waits for Python's lock meanwhile. A release that runs on a
 * Python thread runs under that lock: it must not wait for another thread of Python.
 *
 * <p>All methods may be called from any thread. The class loader of this class stays for as long as
 * the process, once {@link #entry()} or {@link #share} was called.
 */
public final class PythonRuntime {
  private PythonRuntime() {}

  /**
   * What {@code arrowtensor.connect} takes, once a process, before Python hands arrays to Java; an
   * array from Java connects by itself.
   *
   * @throws io.arrowtensor.InterchangeException if the native library cannot be loaded
   */
  public static long entry() {
    return Entry.BLOCK;
  }

  /**
   * Shares an array, or what one can be made of, such as {@code Vectors.view(vector)}. Memory that
   * a batch lent is copied or pinned, as {@link Options#lifetime()} says. The source stays the
   * caller's and may be closed at once.
   *
   * @return a handle, for {@code arrowtensor.Array}
   * @throws io.arrowtensor.InterchangeException when the options forbid what would be needed;
   *     nothing is held then
   */
  public static long share(ArraySource source, Options options) {
    return ArrayHandle.share(source, options);
  }

  /** As {@link #share(ArraySource, Options)} with {@link Options#defaults()}. */
  public static long share(ArraySource source) {
    return share(source, Options.defaults());
  }

  /**
   * Shares a batch: as {@link #share(ArraySource, Options)}, for each of its arrays.
   *
   * @return a handle, for {@code arrowtensor.Batch}
   */
  public static long share(DeviceBatch batch, Options options) {
    return BatchHandle.of(
        Columns.map(batch, array -> ArrayHandle.plain(ArrayHandle.lasting(array, options))));
  }

  /** As {@link #share(DeviceBatch, Options)} with {@link Options#defaults()}. */
  public static long share(DeviceBatch batch) {
    return share(batch, Options.defaults());
  }

  /**
   * Shares a stream, which passes to Python, also when this fails. Its batches are pulled on
   * threads of Python, one at a time, without Python's lock.
   *
   * @return a handle, for {@code arrowtensor.Stream}
   */
  public static long share(BatchStream stream) {
    return StreamHandle.of(stream);
  }

  /**
   * An array over the memory of one that Python holds, with a reference of its own.
   *
   * @param handle the attribute {@code handle} of an {@code arrowtensor.Array}, which is open
   *     during this call
   * @return an array that the caller closes
   * @throws io.arrowtensor.InterchangeException when Python holds no array by that handle
   */
  public static DeviceArray array(long handle) {
    return DeviceArray.from(Handle.find(handle, ArrayHandle.class, "array"));
  }

  /**
   * A batch over the memory of one that Python holds, with references of its own.
   *
   * @param handle the attribute {@code handle} of an {@code arrowtensor.Batch}, which is open
   *     during this call
   * @return a batch that the caller closes
   * @throws io.arrowtensor.InterchangeException when Python holds no batch by that handle
   */
  public static OwnedBatch batch(long handle) {
    DeviceBatch batch = Handle.find(handle, BatchHandle.class, "batch").batch();
    return Columns.map(batch, array -> array.open(Options.defaults()));
  }

  /**
   * The stream that Python holds; it passes to the caller, and Python cannot read it any more.
   *
   * @param handle the attribute {@code handle} of an {@code arrowtensor.Stream}, which is open
   *     during this call
   * @return a stream that the caller closes, pulled on the caller's thread
   * @throws io.arrowtensor.InterchangeException when Python holds no stream by that handle
   * @throws IllegalStateException when it was handed on before
   */
  public static BatchStream stream(long handle) {
    return Handle.find(handle, StreamHandle.class, "stream").take();
  }

  private static final class Entry {
    static final long BLOCK = Root.publish();

    static {
      Runtime.getRuntime()
          .addShutdownHook(new Thread(Root::endCallbacks, "arrowtensor-end-of-python"));
    }
  }
}
