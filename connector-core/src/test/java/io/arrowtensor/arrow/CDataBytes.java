package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.nio.ByteBuffer;
import org.apache.arrow.memory.OutOfMemoryException;

/**
 * Makes C Data structs of arbitrary bytes and takes them: whatever the bytes are, the outcome is a
 * batch, a column or a typed error, each release runs once and nothing is held. Pointers are null
 * or point at memory of the size that the structs declare, as nothing could check others.
 */
final class CDataBytes {
  private static final String[] FORMATS = {
    "c",
    "i",
    "l",
    "f",
    "g",
    "b",
    "u",
    "Z",
    "+l",
    "+L",
    "+w:2",
    "+w:0",
    "+s",
    "w:2",
    "tsn:UTC",
    "tdD",
    "n",
    "+m",
    "d:9,2",
    "e",
    "?",
    "+w:2147483647",
    "w:-1"
  };
  private static final String[] EXTENSIONS = {
    "arrow.fixed_shape_tensor", "arrowtensor.dtype", "arrow.variable_shape_tensor"
  };
  private static final String[] METADATA = {
    "{\"shape\":[2]}", "{\"shape\":[1,2],\"permutation\":[1,0]}", "{", "4,16,1", "255,255,65535", ""
  };
  private static final Nulls[] POLICIES = {
    Nulls.REJECT, Nulls.MASK, Nulls.PROPAGATE, Nulls.ASSUME_NONE, Nulls.fill(1)
  };
  private static final Storage[] STORAGES = {Storage.REFUSE, Storage.AS_INTEGERS, Storage.AS_BYTES};

  private static final int[] DEVICE_TYPES = {1, 2, 3, 4, 10, 13, 99};

  /** Rows for which every buffer has room. */
  private static final int ROOM = 128;

  private final ByteBuffer input;
  private final CStructs structs = new CStructs();
  private final int strangeness;
  private int left = 40;

  private CDataBytes(byte[] input) {
    this.input = ByteBuffer.wrap(input);
    this.strangeness = new int[] {0, 2, 10}[next(3)];
  }

  /**
   * Takes the structs that {@code input} describes and checks what is left of them. Whether they
   * could be taken.
   */
  static boolean check(byte[] input) {
    return check(input, false);
  }

  /** The same, with the array in an {@code ArrowDeviceArray}. */
  static boolean checkOnDevice(byte[] input) {
    return check(input, true);
  }

  private static boolean check(byte[] input, boolean onDevice) {
    long held = NativeBytes.held();
    CDataBytes bytes = new CDataBytes(input);
    boolean taken;
    try {
      Pair pair = onDevice ? bytes.onDevice(bytes.pair(0)) : bytes.pair(0);
      taken = bytes.take(pair, onDevice);
      assertThat(pair.releases()).as("releases").isEqualTo(1);
      assertThat(pair.isEmptied()).as("marked released").isTrue();
    } finally {
      bytes.structs.close();
    }
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(held);
    return taken;
  }

  private boolean take(Pair pair, boolean onDevice) {
    Options options =
        Options.defaults()
            .withNulls(POLICIES[next(POLICIES.length)])
            .withStorage(STORAGES[next(STORAGES.length)]);
    String format = RawMemory.cString(RawMemory.longAt(pair.schema() + Abi.Schema.FORMAT), 32);
    boolean whole = format.equals("+s") != strange();
    long rows = RawMemory.longAt(pair.array() + Abi.Array.LENGTH);
    try {
      ArrowSource source =
          onDevice
              ? CDevice.take(pair.schema(), pair.array())
              : CData.take(pair.schema(), pair.array());
      if (whole) {
        try (OwnedBatch batch = DeviceBatch.from(source, options)) {
          assertThat(batch.rowCount()).as("rows").isEqualTo(rows);
        }
      } else {
        try (DeviceColumn column = DeviceColumn.from(source, options)) {
          assertThat(column.rowCount()).as("rows").isEqualTo(rows);
        }
      }
      return true;
    } catch (InterchangeException | OutOfMemoryException e) {
      assertThat(e.getMessage()).as("message").isNotBlank();
      return false;
    }
  }

  private Pair onDevice(Pair host) {
    int type = strange() ? (int) count(300) : DEVICE_TYPES[next(DEVICE_TYPES.length)];
    Pair pair = structs.onDevice(host, type, strange() ? count(3) : 0);
    if (strange()) {
      pair.putArray(Abi.DeviceArray.RESERVED + 8 * next(3), count(2));
    }
    if (strange()) {
      pair.putArray(Abi.DeviceArray.SYNC_EVENT, structs.longs(count(5)));
    }
    return pair;
  }

  private int next(int bound) {
    return input.hasRemaining() ? (input.get() & 0xff) % bound : 0;
  }

  /** Whether to do something strange here: in some inputs never, in others often. */
  private boolean strange() {
    return next(100) < strangeness;
  }

  /** A number below {@code bound}, strange at times. */
  private long count(int bound) {
    if (!strange()) {
      return next(bound);
    }
    return switch (next(4)) {
      case 0 -> -1;
      case 1 -> input.remaining() >= 8 ? input.getLong() : Long.MIN_VALUE;
      case 2 -> Long.MAX_VALUE;
      default -> next(128);
    };
  }

  private Pair pair(int depth) {
    String format = FORMATS[next(FORMATS.length)];
    int children = depth > 4 ? 0 : format.equals("+s") ? next(4) : format.startsWith("+") ? 1 : 0;
    long[] schemas = new long[children];
    long[] arrays = new long[children];
    for (int i = 0; i < children && left-- > 0; i++) {
      Pair child = pair(depth + 1);
      schemas[i] = strange() ? 0 : child.schema();
      arrays[i] = strange() ? 0 : child.array();
    }
    Pair pair =
        new Pair(structs.schema(format, "c" + depth, schemas), array(format, depth, arrays));
    if (next(8) == 0) {
      pair.putSchema(
          Abi.Schema.METADATA,
          structs.extension(EXTENSIONS[next(EXTENSIONS.length)], METADATA[next(METADATA.length)]));
    }
    if (next(8) == 0 && left-- > 0) {
      Pair dictionary = pair(depth + 1);
      pair.putSchema(Abi.Schema.DICTIONARY, strange() ? 0 : dictionary.schema());
      pair.putArray(Abi.Array.DICTIONARY, strange() ? 0 : dictionary.array());
    }
    return pair;
  }

  private long array(String format, int depth, long[] children) {
    int buffers =
        switch (format) {
          case "n" -> 0;
          case "u", "Z" -> 3;
          default -> format.startsWith("+s") || format.startsWith("+w") ? 1 : 2;
        };
    long length = count(8 << depth);
    long offset = count(3);
    // memory has room for few rows, so arrays of more declare none
    boolean inRoom = length >= 0 && offset >= 0 && length < ROOM && offset < ROOM;
    long[] addresses = new long[buffers];
    for (int i = 0; i < buffers; i++) {
      addresses[i] = inRoom && !strange() ? buffer(i) : 0;
    }
    long array = structs.array(length, offset, addresses, children);
    RawMemory.putLong(array + Abi.Array.NULL_COUNT, next(2) == 0 ? -1 : count(1));
    if (strange()) {
      RawMemory.putLong(array + Abi.Array.N_CHILDREN, count(4));
    }
    if (strange()) {
      RawMemory.putLong(array + Abi.Array.N_BUFFERS, count(4));
    }
    return array;
  }

  /** Bitmaps and offsets are read; no offset that is handed out is followed. */
  private long buffer(int i) {
    long address = structs.zeroed(32L * ROOM);
    boolean present = i == 0 && next(4) != 0;
    for (int at = 0; i < 2 && at < 2 * ROOM; at += 4) {
      RawMemory.putInt(address + at, present ? -1 : next(6));
    }
    return address;
  }
}
