package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.configuration.MemorySize;
import org.jspecify.annotations.Nullable;

/**
 * The type of streams, and of state, whose elements are whole batches: a function of your own that
 * returns batches names it with {@code returns(BatchTypeInfo.of(schema))}.
 *
 * <p><b>Ownership.</b> A function that makes batches emits {@code type.element(batch)}, see {@link
 * #element}. A batch that is an element owns its memory and must not be changed, as operators of a
 * chain, and state on the heap, all have the same object. Its memory is freed when the batch, and
 * every array over it, has become unreachable; so nobody has to close it, and state, windows,
 * unions, side outputs and asynchronous operators may keep it as long as they like. {@code close()}
 * frees at once, and is for a function that alone has the batch: what is or was in state may still
 * be written to a checkpoint. Who reads memory by its address, or through a buffer, keeps the array
 * reachable meanwhile ({@link java.lang.ref.Reference#reachabilityFence}).
 *
 * <p><b>Stream form.</b> Each element is an Arrow IPC stream of its schema, its dictionaries and
 * one record batch; so a savepoint can be read whatever the type's schema was. Arrays of more
 * dimensions are nested fixed-size lists; what strides, dimension names and arrays of the device
 * say beyond that is not kept, and memory that the host cannot reach is refused. Elements that are
 * read are allocated up to {@link #withMemory} for each task, where reading waits up to {@link
 * #withMemoryTimeout}. Both are part of a savepoint, for what is read from it before the job's own
 * type is known.
 */
public final class BatchTypeInfo extends TypeInformation<OwnedBatch> {
  private static final long serialVersionUID = 1;

  private final @Nullable BatchSchema schema;
  private final long memory;
  private final Duration timeout;
  private final boolean givenAway;

  private BatchTypeInfo(
      @Nullable BatchSchema schema, long memory, Duration timeout, boolean givenAway) {
    this.schema = schema;
    this.memory = memory;
    this.timeout = timeout;
    this.givenAway = givenAway;
  }

  /** Batches of these columns and maybe more, which {@link TensorStream#of} can score. */
  public static BatchTypeInfo of(BatchSchema schema) {
    return new BatchTypeInfo(
        schema, BatchSerializer.DEFAULT_MEMORY, BatchSerializer.DEFAULT_TIMEOUT, false);
  }

  /** Batches of which nothing is known before they are there. */
  public static BatchTypeInfo unknown() {
    return new BatchTypeInfo(
        null, BatchSerializer.DEFAULT_MEMORY, BatchSerializer.DEFAULT_TIMEOUT, false);
  }

  /** The same, where one task may hold {@code limit} of batches that it has read. */
  public BatchTypeInfo withMemory(MemorySize limit) {
    return new BatchTypeInfo(schema, limit.getBytes(), timeout, givenAway);
  }

  /**
   * The same, as a source makes them that keeps none: a {@link TensorStream} that alone is chained
   * to this source closes each batch when it is scored, so that its memory is used again at once.
   */
  public BatchTypeInfo givenAway() {
    return new BatchTypeInfo(schema, memory, timeout, true);
  }

  /** See {@link #givenAway}. */
  boolean isGivenAway() {
    return givenAway;
  }

  /**
   * The same, where reading waits {@code timeout} at most while batches hold all of {@link
   * #withMemory} and none is freed; then the task fails. In milliseconds.
   */
  public BatchTypeInfo withMemoryTimeout(Duration timeout) {
    return new BatchTypeInfo(schema, memory, timeout, givenAway);
  }

  /**
   * {@code batch} as an element, for a function of your own that makes batches: what it emits
   * without this has to be closed by somebody, or is never freed. Memory that has an owner stays
   * where it is; other memory is copied. It is charged to {@link #withMemory} of the calling
   * thread, where this waits as reading does; what {@link TensorStream#mapBatches} and the file
   * sources emit are elements already.
   *
   * @param batch passes to the result, also when this fails
   */
  public OwnedBatch element(OwnedBatch batch) {
    return new BatchSerializer(memory, timeout).memory().own(batch);
  }

  /** The columns that every batch has, if they are known. */
  public Optional<BatchSchema> schema() {
    return Optional.ofNullable(schema);
  }

  @Override
  public TypeSerializer<OwnedBatch> createSerializer(SerializerConfig config) {
    return new BatchSerializer(memory, timeout);
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<OwnedBatch> getTypeClass() {
    return OwnedBatch.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof BatchTypeInfo;
  }

  /** Whether the columns are the same; nothing else is part of the type. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BatchTypeInfo that && Objects.equals(schema, that.schema);
  }

  @Override
  public int hashCode() {
    return Objects.hashCode(schema);
  }

  /** {@code Batch[x: float32, y: int64]}. */
  @Override
  public String toString() {
    return "Batch" + (schema == null ? "[?]" : schema.columns());
  }
}
