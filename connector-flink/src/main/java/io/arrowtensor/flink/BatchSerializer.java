package io.arrowtensor.flink;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Batches as Arrow IPC streams, see {@link BatchTypeInfo}. Has no state but limits, so one may be
 * used by any thread; what it reads is charged to the thread that reads.
 */
final class BatchSerializer extends TypeSerializer<OwnedBatch> {
  private static final long serialVersionUID = 1;

  /** Of a type that was not told otherwise. */
  static final long DEFAULT_MEMORY = TensorSettings.TASK_MEMORY.defaultValue().getBytes();

  /** The same. */
  static final Duration DEFAULT_TIMEOUT = TensorSettings.MEMORY_TIMEOUT.defaultValue();

  private final long memory;
  private final Duration timeout;

  /**
   * @param memory bytes that one task may hold of what it has read
   * @param timeout how long reading waits for some of them
   */
  BatchSerializer(long memory, Duration timeout) {
    this.memory = memory;
    this.timeout = timeout;
  }

  /** Where what is read on this thread goes. */
  BatchMemory memory() {
    return ReaderMemory.ofThisThread(memory, timeout);
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
    return BatchStreams.read(source, memory());
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
    return new Snapshot(this);
  }

  /**
   * The limits, under which state on the heap is read before its type is known again. Every version
   * reads every element, as each says itself what it holds. Flink makes it.
   */
  public static final class Snapshot implements TypeSerializerSnapshot<OwnedBatch> {
    private static final int VERSION = 1;

    private BatchSerializer serializer;

    /** For Flink, which reads the rest. */
    public Snapshot() {
      this(new BatchSerializer(DEFAULT_MEMORY, DEFAULT_TIMEOUT));
    }

    private Snapshot(BatchSerializer serializer) {
      this.serializer = serializer;
    }

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      out.writeLong(serializer.memory);
      out.writeLong(serializer.timeout.toMillis());
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
      long memory = in.readLong();
      long timeout = in.readLong();
      if (version != VERSION || memory < 0 || timeout < 0) {
        throw new IOException(
            "Cannot read how batches were written: version "
                + version
                + ", memory "
                + memory
                + ", timeout "
                + timeout
                + "; expected version "
                + VERSION
                + " and nothing negative");
      }
      serializer = new BatchSerializer(memory, Duration.ofMillis(timeout));
    }

    @Override
    public TypeSerializer<OwnedBatch> restoreSerializer() {
      return serializer;
    }

    @Override
    public TypeSerializerSchemaCompatibility<OwnedBatch> resolveSchemaCompatibility(
        TypeSerializerSnapshot<OwnedBatch> old) {
      return TypeSerializerSchemaCompatibility.compatibleAsIs();
    }
  }
}
