package io.arrowtensor.arrow;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Reads one tree of {@code ArrowSchema} structs with suspicion. */
final class SchemaReader {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_STRUCTS = 1 << 20;
  private static final int MAX_STRING = 1 << 20;
  private static final int MAX_METADATA = 1 << 26;

  /** Counts down, as a tree that contains itself would not end otherwise. */
  private int structsLeft = MAX_STRUCTS;

  private SchemaReader() {}

  /** The schema at {@code address}, which keeps its memory. */
  static CSchema read(long address) {
    return new SchemaReader().read(address, 0);
  }

  private CSchema read(long schema, int depth) {
    if (depth > MAX_DEPTH) {
      throw new InvalidStructException(
          "Invalid ArrowSchema: nested deeper than " + MAX_DEPTH + " levels");
    }
    if (structsLeft-- == 0) {
      throw new InvalidStructException(
          "Invalid ArrowSchema: more than " + MAX_STRUCTS + " fields in all");
    }
    String format = string(RawMemory.longAt(schema + Abi.Schema.FORMAT), "format");
    ArrowType type = Formats.parse(format);
    long count = RawMemory.longAt(schema + Abi.Schema.N_CHILDREN);
    requireChildren(type, count, format);
    List<CSchema> children = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      children.add(
          read(pointer(RawMemory.longAt(schema + Abi.Schema.CHILDREN), i, "child"), depth + 1));
    }
    long dictionary = RawMemory.longAt(schema + Abi.Schema.DICTIONARY);
    if (dictionary != 0 && !(type instanceof ArrowType.Int)) {
      throw new InvalidStructException(
          "Invalid ArrowSchema: dictionary indices of format '"
              + format
              + "', expected an integer");
    }
    Field field = field(schema, type, children.stream().map(CSchema::field).toList());
    return new CSchema(field, children, dictionary == 0 ? null : read(dictionary, depth + 1));
  }

  private static Field field(long schema, ArrowType type, List<Field> children) {
    long name = RawMemory.longAt(schema + Abi.Schema.NAME);
    boolean nullable =
        (RawMemory.longAt(schema + Abi.Schema.FLAGS) & Abi.Schema.FLAG_NULLABLE) != 0;
    Map<String, String> metadata = metadata(RawMemory.longAt(schema + Abi.Schema.METADATA));
    return new Field(
        name == 0 ? "" : string(name, "name"),
        new FieldType(nullable, type, null, metadata),
        children);
  }

  private static void requireChildren(ArrowType type, long count, String format) {
    boolean single =
        type instanceof ArrowType.List
            || type instanceof ArrowType.LargeList
            || type instanceof ArrowType.FixedSizeList
            || type instanceof ArrowType.Map;
    boolean fits =
        type instanceof ArrowType.Struct
            ? count >= 0 && count <= MAX_STRUCTS
            : count == (single ? 1 : 0);
    if (!fits) {
      throw new InvalidStructException(
          "Invalid n_children " + count + " of an ArrowSchema with format '" + format + "'");
    }
  }

  static long pointer(long array, long index, String what) {
    long address = array == 0 ? 0 : RawMemory.longAt(array + 8 * index);
    if (address == 0) {
      throw new InvalidStructException(
          "Invalid C Data struct: null pointer to " + what + " " + index);
    }
    return address;
  }

  private static String string(long address, String what) {
    if (address == 0) {
      throw new InvalidStructException("Invalid ArrowSchema: null " + what);
    }
    return RawMemory.cString(address, MAX_STRING);
  }

  private static Map<String, String> metadata(long address) {
    Map<String, String> metadata = new LinkedHashMap<>();
    if (address == 0) {
      return metadata;
    }
    int entries = RawMemory.intAt(address);
    long at = address + 4;
    for (int i = 0; i < checked(entries); i++) {
      int keyLength = checked(RawMemory.intAt(at));
      String key = text(at + 4, keyLength);
      at += 4L + keyLength;
      int valueLength = checked(RawMemory.intAt(at));
      metadata.put(key, text(at + 4, valueLength));
      at += 4L + valueLength;
    }
    return metadata;
  }

  private static int checked(int length) {
    if (length < 0 || length > MAX_METADATA) {
      throw new InvalidStructException(
          "Invalid length " + length + " in the metadata of an ArrowSchema");
    }
    return length;
  }

  private static String text(long address, int length) {
    byte[] bytes = new byte[length];
    RawMemory.copyInto(address, bytes, 0, length);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
