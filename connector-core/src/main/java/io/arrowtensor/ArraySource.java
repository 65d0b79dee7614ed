package io.arrowtensor;

/**
 * Where one array comes from: an Arrow vector, a foreign struct, an address. The factory's name
 * says who owns the memory: {@code view} shares and retains, {@code take} becomes the owner, {@code
 * borrow} leaves ownership with the caller.
 *
 * <p>A source is used once, by {@link DeviceArray#from(ArraySource, Options)}, on one thread.
 */
@FunctionalInterface
public interface ArraySource {
  /**
   * Describes the memory and passes its owner to the caller, who must release it. Reads every
   * foreign value with suspicion; when it throws, everything that was taken has been released.
   *
   * @param options the caller's policies for nulls, logical types and copies
   * @throws InterchangeException when the source cannot be described as one array under these
   *     options
   */
  Memory open(Options options);
}
