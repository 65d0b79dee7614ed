package io.arrowtensor.internal;

/**
 * One column to read: elements at equal distance in host memory.
 *
 * @param address of the first element
 * @param step bytes from one element to the next
 * @param element type of the elements
 * @param label the column as errors name it, such as {@code column 'delay'}
 */
public record Strided(long address, long step, Element element, String label) {

  boolean isDense() {
    return step == element.width();
  }

  long at(long row) {
    return address + row * step;
  }
}
