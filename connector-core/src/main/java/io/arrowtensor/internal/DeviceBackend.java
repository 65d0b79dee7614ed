package io.arrowtensor.internal;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;

/**
 * What allocates, copies and waits on one kind of device, through its vendor's library. That
 * library is opened by the first method that needs it, not before. Found by {@link Backends}. Safe
 * from any thread; each method throws {@link DeviceMismatchException} when the library, the device
 * or the call fails, naming it and the remedy.
 */
public interface DeviceBackend {
  /** Whether events and streams of memory on such a device are this backend's. */
  boolean serves(DeviceType type);

  /**
   * New, writable, row-major memory on {@code target} for a copy of {@code source}, not
   * initialised, that {@code stream} can use; the caller releases it.
   */
  Memory allocateFor(Memory source, Device target, Stream stream);

  /**
   * Copies the bytes of {@code source} to {@code target}, both row-major, of equal size and not
   * empty; one may be the host's. Runs on {@code stream}, so after the work that it has been given,
   * and after {@code source} is ready. Has ended when it returns.
   */
  void copy(Memory source, Memory target, Stream stream);

  /** Makes later work of {@code consumer} wait for {@code ready}. Does not wait itself. */
  void order(Device device, Ready ready, Stream consumer);

  /** Waits for {@code ready}. */
  void await(Device device, Ready ready);

  /**
   * An event that happens when {@code ready}, which is a stream's, has; the caller passes it to
   * {@link #destroy}.
   */
  long record(Device device, Ready ready);

  /** Destroys an event of {@link #record}; the device keeps one that is still waited for. */
  void destroy(Device device, long event);

  /** The device on which {@code address} was allocated. */
  Device deviceOf(long address);
}
