package io.arrowtensor.flink;

import io.arrowtensor.OwnedBatch;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Batches as Arrow IPC streams, see {@link BatchTypeInfo}. Has no state but a limit, so one may be
 * used by any thread; what it reads is charged to the thread that reads.
 */
final class BatchSerializer extends TypeSerializer<OwnedBatch> {
  private static final long serialVersionUID = 1;

  /** Of a type that was not told otherwise, and of state that is read before its type is known. */
  static final long DEFAULT_MEMORY = TensorSettings.TASK_MEMORY.defaultValue().getBytes();

  private final long memory;

  BatchSerializer(long memory) {
    this.memory = memory;
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public TypeSerializer<OwnedBatch> duplicate() {
    return this;
  }

  @Override
  public OwnedBatch createInstance() {
    return OwnedBatch.of(0, List.of());
  }

  /** The same batch, which nobody changes. */
  @Override
  public OwnedBatch copy(OwnedBatch from) {
    return from;
  }

  @Override
  public OwnedBatch copy(OwnedBatch from, OwnedBatch reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  /** {@code batch} stays open; its memory cannot go away meanwhile. */
  @Override
  public void serialize(OwnedBatch batch, DataOutputView target) throws IOException {
    BatchStreams.write(batch, target);
  }

  /** A batch that owns its memory and may be forgotten. */
  @Override
  public OwnedBatch deserialize(DataInputView source) throws IOException {
    return BatchStreams.read(source, ReaderMemory.ofThisThread(memory));
  }

  @Override
  public OwnedBatch deserialize(OwnedBatch reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    BatchStreams.copy(source, target);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BatchSerializer;
  }

  @Override
  public int hashCode() {
    return BatchSerializer.class.hashCode();
  }

  @Override
  public TypeSerializerSnapshot<OwnedBatch> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Every version reads every element, as each says itself what it holds. Flink makes it. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<OwnedBatch> {
    /** For Flink. */
    public Snapshot() {
      super(() -> new BatchSerializer(DEFAULT_MEMORY));
    }
  }
}
