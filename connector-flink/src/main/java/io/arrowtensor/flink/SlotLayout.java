package io.arrowtensor.flink;

import io.arrowtensor.Options;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which slots of binary rows are copied as they are ({@link BinarySlots}), so that the columns in
 * them have a stride: those from the first field that is read to the last one.
 *
 * @param arity fields of a row, which decide where slots begin
 * @param first the first field that is copied
 * @param count fields that are copied
 */
record SlotLayout(int arity, int first, int count) implements Serializable {

  /**
   * The layout for {@code fields}, null where it would gain nothing: fewer than two of them lie in
   * slots, most of what is copied would not be read, or {@code options} make a copy of every column
   * again.
   */
  static @Nullable SlotLayout of(List<InputField> fields, int arity, Options options) {
    int[] read =
        fields.stream()
            .filter(SlotLayout::holds)
            .mapToInt(InputField::position)
            .sorted()
            .distinct()
            .toArray();
    if (read.length < 2 || options.alignment() > BinarySlots.BYTES || options.device() != null) {
      return null;
    }
    int count = read[read.length - 1] - read[0] + 1;
    return count > 2 * read.length ? null : new SlotLayout(arity, read[0], count);
  }

  /** Whether a field lies in its slot: an argument of fixed width that is never null. */
  static boolean holds(InputField field) {
    return !field.kept() && !field.type().nullable() && BinarySlots.hold(field.type());
  }

  /** Bytes that are copied of a row. */
  int rowBytes() {
    return count * BinarySlots.BYTES;
  }

  /** Where the slot of a field begins in what is copied. */
  int offset(InputField field) {
    return (field.position() - first) * BinarySlots.BYTES;
  }

  /** Copies the slots of a row, whose bytes are the element, to {@code slab}. */
  FieldCopy copy(ByteBuffer slab) {
    int start = BinarySlots.start(arity, first);
    int length = rowBytes();
    return (row, bytes) -> slab.put(row * length, (byte[]) bytes, start, length);
  }
}
