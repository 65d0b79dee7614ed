package io.arrowtensor.flink;

import org.apache.flink.table.data.binary.BinaryRowData;

/**
 * Copies fields of fixed width straight out of the bytes of a binary row, after one look at its
 * null bits for all of them. What a network or a writer hands over is such a row, in an array of
 * its own; other rows, and those with a null among the fields, are copied field by field.
 */
final class BinaryCopy implements FieldCopy {
  private final int arity;
  private final long[] nullBits;
  private final FieldCopy slots;
  private final FieldCopy fields;

  /**
   * @param arity fields of a row, which decide where its slots begin
   * @param nullBits of the fields
   * @param slots copies the fields, none of them null, of a row's bytes
   * @param fields copies the same fields of any row
   */
  BinaryCopy(int arity, long[] nullBits, FieldCopy slots, FieldCopy fields) {
    this.arity = arity;
    this.nullBits = nullBits;
    this.slots = slots;
    this.fields = fields;
  }

  @Override
  public void copy(int row, Object element) {
    if (element instanceof BinaryRowData binary
        && binary.getOffset() == 0
        && binary.getArity() == arity) {
      byte[] bytes = binary.getSegments()[0].getHeapMemory(); // all slots are in the first segment
      if (bytes != null && BinarySlots.areWithoutNulls(bytes, nullBits)) {
        slots.copy(row, bytes);
        return;
      }
    }
    fields.copy(row, element);
  }
}
