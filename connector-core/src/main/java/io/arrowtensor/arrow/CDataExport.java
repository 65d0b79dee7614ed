package io.arrowtensor.arrow;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.arrow.Place.EventSlot;
import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Fills C structs. Each struct owns one block with its buffers' owners, so that a child may be
 * moved out and outlive its parent.
 */
final class CDataExport {
  private CDataExport() {}

  /**
   * Fills both structs and takes over {@code node}; when this throws, the structs are marked
   * released and nothing is held.
   *
   * @param kind which struct lies at {@code array}
   */
  static void write(ExportNode node, long schema, long array, Kind kind) {
    try {
      Kind.SCHEMA.requireAddress(schema);
      kind.requireAddress(array);
      RawMemory.fill(schema, Abi.Schema.SIZE, (byte) 0);
      RawMemory.fill(array, kind.size, (byte) 0);
      NativeLibrary.require();
      writeSchema(node.schema(), schema);
    } catch (RuntimeException | Error e) {
      node.close();
      throw e;
    }
    try {
      writeArray(node, place(node, kind), array, kind);
    } catch (RuntimeException | Error e) {
      Kind.SCHEMA.release(schema);
      throw e;
    }
  }

  /** Fills a struct, which is marked released when this throws. */
  static void writeSchema(SchemaNode node, long schema) {
    RawMemory.fill(schema, Abi.Schema.SIZE, (byte) 0);
    try {
      schema(node, schema);
    } catch (RuntimeException | Error e) {
      Kind.SCHEMA.release(schema);
      throw e;
    }
  }

  /** Where {@code node} is, for a struct of this kind; closes it when this throws. */
  static Place place(ExportNode node, Kind kind) {
    try {
      return kind == Kind.ARRAY ? Place.ofHost(node) : Place.of(node);
    } catch (RuntimeException | Error e) {
      node.close();
      throw e;
    }
  }

  /**
   * Fills a struct of either kind and takes over {@code node}; when this throws, the struct is
   * marked released and nothing is held.
   */
  static void writeArray(ExportNode node, Place place, long array, Kind kind) {
    RawMemory.fill(array, kind.size, (byte) 0);
    EventSlot event;
    try {
      event = place.event();
    } catch (RuntimeException | Error e) {
      node.close();
      throw e;
    }
    try {
      array(node, event, array);
    } catch (RuntimeException | Error e) {
      kind.release(array);
      throw e;
    }
    if (kind == Kind.DEVICE_ARRAY) {
      place.write(array, event);
    }
  }

  /** Block: format, name, metadata, child pointers, child structs, dictionary struct. */
  private static void schema(SchemaNode node, long schema) {
    byte[] format = cString(node.format());
    byte[] name = cString(node.name());
    byte[] metadata = node.metadata().isEmpty() ? new byte[0] : encode(node.metadata());
    long strings = align(format.length + (long) name.length + metadata.length);
    int children = node.children().size();
    long block = block(null, strings + 8L * children + (long) Abi.Schema.SIZE * (children + 1));
    RawMemory.copyFrom(format, 0, block, format.length);
    RawMemory.copyFrom(name, 0, block + format.length, name.length);
    RawMemory.copyFrom(metadata, 0, block + format.length + name.length, metadata.length);
    RawMemory.putLong(schema + Abi.Schema.FORMAT, block);
    RawMemory.putLong(schema + Abi.Schema.NAME, block + format.length);
    RawMemory.putLong(
        schema + Abi.Schema.METADATA,
        metadata.length == 0 ? 0 : block + format.length + name.length);
    RawMemory.putLong(schema + Abi.Schema.FLAGS, Abi.Schema.FLAG_NULLABLE);
    RawMemory.putLong(schema + Abi.Schema.N_CHILDREN, children);
    RawMemory.putLong(schema + Abi.Schema.CHILDREN, children == 0 ? 0 : block + strings);
    RawMemory.putLong(schema + Abi.Schema.PRIVATE_DATA, block);
    RawMemory.putLong(schema + Abi.Schema.RELEASE, Native.callback(Native.ARROW_SCHEMA_RELEASE));
    long structs = block + strings + 8L * children;
    for (int i = 0; i < children; i++) {
      RawMemory.putLong(block + strings + 8L * i, structs + (long) Abi.Schema.SIZE * i);
    }
    for (int i = 0; i < children; i++) {
      schema(node.children().get(i), structs + (long) Abi.Schema.SIZE * i);
    }
    if (node.dictionary() != null) {
      RawMemory.putLong(
          schema + Abi.Schema.DICTIONARY, structs + (long) Abi.Schema.SIZE * children);
      schema(node.dictionary(), structs + (long) Abi.Schema.SIZE * children);
    }
  }

  /**
   * Takes over {@code more} too. Block: buffer pointers, child pointers, child structs, dictionary
   * struct.
   */
  private static void array(ExportNode node, @Nullable Owner more, long array) {
    int buffers = node.buffers().size();
    int children = node.children().size();
    long offset;
    long block;
    try {
      offset = node.offset();
      block =
          block(
              new Owners(node.owners(), more),
              8L * (buffers + children) + (long) Abi.Array.SIZE * (children + 1));
    } catch (RuntimeException | Error e) {
      List<@Nullable AutoCloseable> held = Arrays.asList(node, more == null ? null : more::release);
      Closing.quietly(e, held);
      throw e;
    }
    for (int i = 0; i < buffers; i++) {
      Memory memory = node.buffers().get(i);
      RawMemory.putLong(block + 8L * i, memory == null ? 0 : address(memory, block));
    }
    RawMemory.putLong(array + Abi.Array.LENGTH, node.length());
    RawMemory.putLong(array + Abi.Array.NULL_COUNT, node.buffers().get(0) == null ? 0 : -1);
    RawMemory.putLong(array + Abi.Array.OFFSET, offset);
    RawMemory.putLong(array + Abi.Array.N_BUFFERS, buffers);
    RawMemory.putLong(array + Abi.Array.BUFFERS, block);
    RawMemory.putLong(array + Abi.Array.N_CHILDREN, children);
    RawMemory.putLong(array + Abi.Array.CHILDREN, children == 0 ? 0 : block + 8L * buffers);
    RawMemory.putLong(array + Abi.Array.PRIVATE_DATA, block);
    RawMemory.putLong(array + Abi.Array.RELEASE, Native.callback(Native.ARROW_ARRAY_RELEASE));
    children(node, array, block + 8L * buffers, children);
  }

  /** Not null for an empty buffer: some consumers, Arrow Java 12 among them, refuse that. */
  private static long address(Memory memory, long somewhere) {
    return memory.nbytes() == 0 ? somewhere : memory.start();
  }

  private static void children(ExportNode node, long array, long pointers, int children) {
    long structs = pointers + 8L * children;
    for (int i = 0; i < children; i++) {
      RawMemory.putLong(pointers + 8L * i, structs + (long) Abi.Array.SIZE * i);
    }
    int done = 0;
    try {
      for (; done < children; done++) {
        array(node.children().get(done), null, structs + (long) Abi.Array.SIZE * done);
      }
    } catch (RuntimeException | Error e) {
      List<@Nullable AutoCloseable> rest =
          new ArrayList<>(node.children().subList(done + 1, children));
      rest.add(node.dictionary());
      Closing.quietly(e, rest);
      throw e;
    }
    if (node.dictionary() != null) {
      RawMemory.putLong(array + Abi.Array.DICTIONARY, structs + (long) Abi.Array.SIZE * children);
      array(node.dictionary(), null, structs + (long) Abi.Array.SIZE * children);
    }
  }

  private static long block(@Nullable Owner owner, long bytes) {
    long block = Native.newExport(owner, bytes);
    if (block == 0) {
      throw new InterchangeException(
          "Cannot allocate " + bytes + " bytes for C Data structs: the system has no memory left");
    }
    return block;
  }

  private static long align(long bytes) {
    return (bytes + 7) & ~7L;
  }

  private static byte[] cString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return java.util.Arrays.copyOf(bytes, bytes.length + 1);
  }

  private static byte[] encode(Map<String, String> metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(word(metadata.size()));
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      for (String text : List.of(entry.getKey(), entry.getValue())) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeBytes(word(bytes.length));
        out.writeBytes(bytes);
      }
    }
    return out.toByteArray();
  }

  private static byte[] word(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
  }

  /** All buffers of one struct. */
  private static final class Owners extends Owner {
    private final List<Owner> owners;

    Owners(List<Owner> owners, @Nullable Owner more) {
      this.owners = owners;
      if (more != null) {
        owners.add(more);
      }
    }

    @Override
    protected void free() {
      owners.forEach(Owner::release);
    }
  }
}
