package io.arrowtensor;

/**
 * Where a column comes from that may be more than one array: values with a validity mask, with
 * offsets, or with a dictionary. Used once, by {@link DeviceColumn#from(ColumnSource, Options)}, on
 * one thread.
 */
@FunctionalInterface
public interface ColumnSource {
  /**
   * Converts the source. The caller closes the column; when the call throws, everything that was
   * taken has been released.
   *
   * @throws InterchangeException when the source cannot be described under these options
   */
  DeviceColumn openColumn(Options options);
}
