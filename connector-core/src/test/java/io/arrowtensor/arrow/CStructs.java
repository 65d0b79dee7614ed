package io.arrowtensor.arrow;

import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.TestNative;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Hand-written C Data structs, as a foreign producer lays them out. Each counts its own releases
 * and releases nothing else; their memory is freed on close.
 */
final class CStructs implements AutoCloseable {
  private static final long SCHEMA_RELEASE = TestNative.function("count_schema_release");
  private static final long ARRAY_RELEASE = TestNative.function("count_array_release");

  private final List<Long> blocks = Collections.synchronizedList(new ArrayList<>());

  /** The two structs of one array. */
  record Pair(long schema, long array) {
    void putSchema(int offset, long value) {
      RawMemory.putLong(schema + offset, value);
    }

    void putArray(int offset, long value) {
      RawMemory.putLong(array + offset, value);
    }

    /** How often the release callbacks of both ran: equal numbers, or a failure. */
    long releases() {
      long schemas = RawMemory.longAt(RawMemory.longAt(schema + Abi.Schema.PRIVATE_DATA));
      long arrays = RawMemory.longAt(RawMemory.longAt(array + Abi.Array.PRIVATE_DATA));
      if (schemas != arrays) {
        throw new AssertionError(schemas + " releases of the schema, " + arrays + " of the array");
      }
      return arrays;
    }

    long schemaReleases() {
      return RawMemory.longAt(RawMemory.longAt(schema + Abi.Schema.PRIVATE_DATA));
    }

    long arrayReleases() {
      return RawMemory.longAt(RawMemory.longAt(array + Abi.Array.PRIVATE_DATA));
    }

    /** Whether both are marked released, as a moved or released struct is. */
    boolean isEmptied() {
      return RawMemory.longAt(schema + Abi.Schema.RELEASE) == 0
          && RawMemory.longAt(array + Abi.Array.RELEASE) == 0;
    }
  }

  /** Zeroed memory. */
  long zeroed(long bytes) {
    NativeLibrary.require();
    long address = Native.allocate(Math.max(1, bytes), 64);
    blocks.add(address);
    RawMemory.fill(address, bytes, (byte) 0);
    return address;
  }

  long longs(long... values) {
    long address = zeroed(8L * values.length);
    for (int i = 0; i < values.length; i++) {
      RawMemory.putLong(address + 8L * i, values[i]);
    }
    return address;
  }

  long ints(int... values) {
    long address = zeroed(4L * values.length);
    for (int i = 0; i < values.length; i++) {
      RawMemory.putInt(address + 4L * i, values[i]);
    }
    return address;
  }

  /** Bytes by their low eight bits. */
  long bytes(int... values) {
    long address = zeroed(values.length);
    for (int i = 0; i < values.length; i++) {
      RawMemory.putByte(address + i, (byte) values[i]);
    }
    return address;
  }

  long cString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    long address = zeroed(utf8.length + 1L);
    RawMemory.copyFrom(utf8, 0, address, utf8.length);
    return address;
  }

  /** The metadata block of an extension type. */
  long extension(String name, String metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
    out.writeBytes(word.putInt(0, 2).array().clone());
    for (String text :
        new String[] {"ARROW:extension:name", name, "ARROW:extension:metadata", metadata}) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      out.writeBytes(word.putInt(0, utf8.length).array().clone());
      out.writeBytes(utf8);
    }
    byte[] block = out.toByteArray();
    long address = zeroed(block.length);
    RawMemory.copyFrom(block, 0, address, block.length);
    return address;
  }

  /** A nullable field. */
  long schema(String format, String name, long... children) {
    long schema = zeroed(Abi.Schema.SIZE);
    RawMemory.putLong(schema + Abi.Schema.FORMAT, cString(format));
    RawMemory.putLong(schema + Abi.Schema.NAME, cString(name));
    RawMemory.putLong(schema + Abi.Schema.FLAGS, Abi.Schema.FLAG_NULLABLE);
    RawMemory.putLong(schema + Abi.Schema.N_CHILDREN, children.length);
    RawMemory.putLong(schema + Abi.Schema.CHILDREN, children.length == 0 ? 0 : longs(children));
    RawMemory.putLong(schema + Abi.Schema.RELEASE, SCHEMA_RELEASE);
    RawMemory.putLong(schema + Abi.Schema.PRIVATE_DATA, longs(0));
    return schema;
  }

  /** {@code length} rows from {@code offset} on, the null count unknown. */
  long array(long length, long offset, long[] buffers, long... children) {
    long array = zeroed(Abi.Array.SIZE);
    RawMemory.putLong(array + Abi.Array.LENGTH, length);
    RawMemory.putLong(array + Abi.Array.NULL_COUNT, -1);
    RawMemory.putLong(array + Abi.Array.OFFSET, offset);
    RawMemory.putLong(array + Abi.Array.N_BUFFERS, buffers.length);
    RawMemory.putLong(array + Abi.Array.BUFFERS, buffers.length == 0 ? 0 : longs(buffers));
    RawMemory.putLong(array + Abi.Array.N_CHILDREN, children.length);
    RawMemory.putLong(array + Abi.Array.CHILDREN, children.length == 0 ? 0 : longs(children));
    RawMemory.putLong(array + Abi.Array.RELEASE, ARRAY_RELEASE);
    RawMemory.putLong(array + Abi.Array.PRIVATE_DATA, longs(0));
    return array;
  }

  /** The same schema, with the array's fields in an {@code ArrowDeviceArray}. */
  Pair onDevice(Pair host, int type, long id) {
    long device = zeroed(Abi.DeviceArray.SIZE);
    RawMemory.copy(host.array(), device, Abi.Array.SIZE);
    RawMemory.putInt(device + Abi.DeviceArray.DEVICE_TYPE, type);
    RawMemory.putLong(device + Abi.DeviceArray.DEVICE_ID, id);
    return new Pair(host.schema(), device);
  }

  /** An int32 column {@code v} without validity. */
  Pair ints32(int... values) {
    return new Pair(schema("i", "v"), array(values.length, 0, new long[] {0, ints(values)}));
  }

  /** Two int32 columns {@code a} and {@code b} of 4 rows: 0..3 and 10..13. */
  Pair struct() {
    long a = array(4, 0, new long[] {0, ints(0, 1, 2, 3)});
    long b = array(4, 0, new long[] {0, ints(10, 11, 12, 13)});
    return new Pair(
        schema("+s", "", schema("i", "a"), schema("i", "b")), array(4, 0, new long[] {0}, a, b));
  }

  /** Rows of {@code width} int32 values. */
  Pair fixedLists(int width, int... values) {
    long child = array(values.length, 0, new long[] {0, ints(values)});
    return new Pair(
        schema("+w:" + width, "v", schema("i", "item")),
        array(values.length / width, 0, new long[] {0}, child));
  }

  @Override
  public void close() {
    blocks.forEach(Native::free);
    blocks.clear();
  }
}
