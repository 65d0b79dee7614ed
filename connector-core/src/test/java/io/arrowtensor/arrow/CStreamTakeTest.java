package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.NativeBytes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams of foreign producers, well-formed and not. */
class CStreamTakeTest {
  private static final Options OPTIONS = Options.defaults();

  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private BatchStream take(CStreams.Stream stream) {
    return CData.takeStream(stream.struct(), OPTIONS);
  }

  @Test
  void arraysThatAreNoStructsAreOneColumn() {
    Pair first = structs.ints32(1, 2, 3);
    Pair second = structs.ints32(4);
    CStreams.Stream struct = CStreams.of(structs, first, second);
    BatchStream stream = take(struct);
    assertThat(struct.isEmptied()).as("moved").isTrue();
    assertThat(stream.schema().columns())
        .containsExactly(BatchSchema.Column.scalar("v", DType.INT32));
    OwnedBatch one = stream.next();
    assertThat(one.rowCount()).isEqualTo(3);
    assertThat(one.column("v").values().byteBuffer().asIntBuffer().get(2)).isEqualTo(3);
    OwnedBatch two = stream.next();
    assertThat(stream.next()).isNull();
    assertThat(stream.next()).isNull();
    stream.close();
    stream.close();
    assertThat(struct.releases()).isEqualTo(1);
    assertThat(first.schemaReleases()).as("schema").isEqualTo(1);
    assertThat(first.arrayReleases() + second.arrayReleases()).as("in use").isZero();
    assertThat(two.column(0).values().byteBuffer().asIntBuffer().get(0)).isEqualTo(4);
    one.close();
    two.close();
    assertThat(first.arrayReleases()).isEqualTo(1);
    assertThat(second.arrayReleases()).isEqualTo(1);
  }

  @Test
  void structsAreBatches() {
    Pair pair = structs.struct();
    CStreams.Stream struct = CStreams.of(structs, pair);
    try (BatchStream stream = take(struct);
        OwnedBatch batch = stream.next()) {
      assertThat(stream.schema().columns()).extracting(c -> c.name()).containsExactly("a", "b");
      assertThat(batch.column("b").values().byteBuffer().asIntBuffer().get(3)).isEqualTo(13);
    }
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void aRefusedBatchIsReleasedAndTheNextOneComes() {
    Pair nulls =
        new Pair(
            structs.schema("i", "v"),
            structs.array(3, 0, new long[] {structs.bytes(0b101), structs.ints(1, 2, 3)}));
    Pair good = structs.ints32(7);
    try (BatchStream stream = take(CStreams.of(structs, nulls, good))) {
      assertThatThrownBy(stream::next)
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 1 is the first");
      assertThat(nulls.arrayReleases()).isEqualTo(1);
      try (OwnedBatch batch = stream.next()) {
        assertThat(batch.rowCount()).isEqualTo(1);
      }
    }
  }

  @Test
  void anArrayThatContradictsTheSchemaIsRefused() {
    Pair batch = structs.struct();
    Pair other = structs.ints32(1);
    CStreams.Stream struct = CStreams.of(structs, batch, other);
    try (BatchStream stream = take(struct)) {
      stream.next().close();
      assertThatThrownBy(stream::next)
          .isInstanceOf(InvalidStructException.class)
          .hasMessage("Invalid ArrowArray of the array: n_buffers 2, expected 1");
    }
    assertThat(other.arrayReleases()).isEqualTo(1);
    assertThat(struct.releases()).isEqualTo(1);
  }

  @Test
  void aFailureKeepsItsNumberAndItsText() {
    Pair pair = structs.ints32(1);
    CStreams.Stream struct =
        CStreams.of(structs, pair).failingEnd(28, structs.cString("der Platz ist aus: größer"));
    try (BatchStream stream = take(struct)) {
      stream.next().close();
      assertThatThrownBy(stream::next)
          .isInstanceOf(StreamException.class)
          .hasMessage(
              "Cannot read the next batch of an ArrowArrayStream: error 28 of its producer: der"
                  + " Platz ist aus: größer")
          .extracting(e -> ((StreamException) e).errno())
          .isEqualTo(28);
    }
    assertThat(struct.releases()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFailureWithoutTextSaysSo(boolean function) {
    Pair pair = structs.ints32(1);
    CStreams.Stream struct = CStreams.of(structs, pair).failingSchema(5, 0);
    if (!function) {
      struct.without(Abi.ArrayStream.GET_LAST_ERROR);
    }
    assertThatThrownBy(() -> take(struct))
        .isInstanceOf(StreamException.class)
        .hasMessage(
            "Cannot read the schema of an ArrowArrayStream: error 5 of its producer: it gives no"
                + " reason");
    assertThat(struct.releases()).isEqualTo(1);
    assertThat(pair.schemaReleases() + pair.arrayReleases()).as("never handed out").isZero();
  }

  @Test
  void aReleasedStreamIsRefused() {
    CStreams.Stream struct =
        CStreams.of(structs, structs.ints32(1)).without(Abi.ArrayStream.RELEASE);
    assertThatThrownBy(() -> take(struct))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Cannot take a released ArrowArrayStream: its release callback is null");
    assertThatThrownBy(() -> CDevice.takeStream(20, OPTIONS))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(
            "Invalid ArrowDeviceArrayStream address 0x14: expected a non-null, 8-byte aligned one");
  }

  @Test
  void missingFunctionsAreRefusedAndTheStreamIsReleased() {
    CStreams.Stream noSchema =
        CStreams.of(structs, structs.ints32(1)).without(Abi.ArrayStream.GET_SCHEMA);
    assertThatThrownBy(() -> take(noSchema))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Invalid ArrowArrayStream: its get_schema is null");
    assertThat(noSchema.releases()).isEqualTo(1);
    CStreams.Stream noNext =
        CStreams.of(structs, structs.ints32(1)).without(Abi.ArrayStream.GET_NEXT);
    try (BatchStream stream = take(noNext)) {
      assertThatThrownBy(stream::next)
          .isInstanceOf(InvalidStructException.class)
          .hasMessage("Invalid ArrowArrayStream: its get_next is null");
    }
    assertThat(noNext.releases()).isEqualTo(1);
  }

  @Test
  void aSchemaThatIsReleasedOrRefusedReleasesTheStream() {
    CStreams.Stream released = CStreams.of(structs, structs.ints32(1)).withoutSchema(structs);
    assertThatThrownBy(() -> take(released))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Invalid ArrowArrayStream: it gives a released schema");
    assertThat(released.releases()).isEqualTo(1);
    Pair text = new Pair(structs.schema("u", "s"), structs.array(0, 0, new long[] {0, 0, 0}));
    CStreams.Stream strings = CStreams.of(structs, text);
    assertThatThrownBy(() -> take(strings))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageStartingWith("Cannot hand out column 's' of type Utf8");
    assertThat(strings.releases()).isEqualTo(1);
    assertThat(text.schemaReleases()).isEqualTo(1);
  }

  @Test
  void aDeviceStreamGivesArraysOfItsDevice() {
    Pair pair = structs.onDevice(structs.struct(), 2, 1);
    CStreams.Stream struct = CStreams.onDevice(structs, 2, pair);
    try (BatchStream stream = CDevice.takeStream(struct.struct(), OPTIONS);
        OwnedBatch batch = stream.next()) {
      assertThat(struct.isEmptied()).isTrue();
      assertThat(batch.column("a").values().device()).isEqualTo(Device.cuda(1));
      assertThat(stream.next()).isNull();
      assertThatThrownBy(() -> batch.column("a").values().byteBuffer())
          .isInstanceOf(DeviceMismatchException.class);
    }
    assertThat(struct.releases()).isEqualTo(1);
    assertThat(pair.releases()).isEqualTo(1);
  }

  @Test
  void anArrayOnAnotherDeviceThanItsStreamIsRefused() {
    Pair pair = structs.onDevice(structs.ints32(1), 1, -1);
    CStreams.Stream struct = CStreams.onDevice(structs, 2, pair);
    try (BatchStream stream = CDevice.takeStream(struct.struct(), OPTIONS)) {
      assertThatThrownBy(stream::next)
          .isInstanceOf(InvalidStructException.class)
          .hasMessage("Invalid ArrowDeviceArray: it is on device type cpu, its stream on cuda");
    }
    assertThat(pair.releases()).isEqualTo(1);
    assertThat(struct.releases()).isEqualTo(1);
  }
}
