package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSource;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Options;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Arrow vectors as arrays, and arrays as vectors.
 *
 * <p><b>Ownership.</b> A view retains the vector's buffers in the root of their allocator, so the
 * vector and its child allocator may be closed at once; closing the root before the view is Arrow's
 * leak error. A vector over an array holds the array's memory until it is closed.
 */
public final class Vectors {
  private Vectors() {}

  /**
   * Shares {@code vector}. Slices, nested fixed-size lists, {@code arrow.fixed_shape_tensor} and
   * {@code arrow.bool8} need no copy; bit-packed booleans do. Read-only, unless {@code
   * Access.WRITABLE} is asked for.
   */
  public static ArrowSource view(FieldVector vector) {
    return new NodeSource(new VectorNode(vector, null), null);
  }

  /** As {@link #view(FieldVector)}, for a vector whose dictionaries are in {@code dictionaries}. */
  public static ArrowSource view(FieldVector vector, DictionaryProvider dictionaries) {
    return new NodeSource(new VectorNode(vector, dictionaries), null);
  }

  /**
   * Moves {@code vector}'s memory into what is made of the source; the vector is emptied, also when
   * that fails. With {@code Access.WRITABLE} the array may be written, as nobody else holds it.
   */
  public static ArrowSource move(FieldVector vector) {
    return new NodeSource(new VectorNode(vector, null), new VectorOwner(vector));
  }

  /** Shares all vectors of {@code root}, which may be cleared, reloaded or closed at once. */
  public static BatchSource view(VectorSchemaRoot root) {
    return options -> RootBatches.view(root, null, options);
  }

  /**
   * As {@link #view(VectorSchemaRoot)}, for vectors whose dictionaries are in {@code dictionaries}:
   * an {@code ArrowReader} is one.
   */
  public static BatchSource view(VectorSchemaRoot root, DictionaryProvider dictionaries) {
    return options -> RootBatches.view(root, dictionaries, options);
  }

  /**
   * The columns that {@link #view(VectorSchemaRoot)} makes of vectors with the fields of {@code
   * schema}, told before there are any.
   *
   * @throws io.arrowtensor.InterchangeException naming the field that cannot be described
   */
  public static BatchSchema schema(Schema schema, Options options) {
    return NodeSchemas.batch(schema.getFields(), options);
  }

  /**
   * The batches of {@code reader}, each shared as {@link #view(VectorSchemaRoot)} does, so that it
   * outlives the reader's next step.
   *
   * @param reader passes to the stream, whose {@code close()} closes it, also when this fails
   * @throws io.arrowtensor.StreamException when its schema cannot be read
   * @throws io.arrowtensor.InterchangeException naming the column that cannot be described
   */
  public static BatchStream stream(ArrowReader reader, Options options) {
    return new ReaderStream(reader, options);
  }

  /**
   * The field of a vector over {@code array}: scalars where it has one dimension, {@code
   * arrow.fixed_shape_tensor} where it has more. An array whose rows are permuted in memory gets a
   * field with that permutation.
   */
  public static Field tensorField(String name, DeviceArray array) {
    return TensorFields.tensor(name, array);
  }

  /** As {@link #tensorField}, with nested fixed-size lists. */
  public static Field listField(String name, DeviceArray array) {
    return TensorFields.nested(name, array);
  }

  /**
   * As {@link #wrap(ArraySource, Field, BufferAllocator, Options)} with {@link #tensorField} and
   * defaults; {@code array} stays open.
   */
  public static FieldVector wrap(DeviceArray array, String name, BufferAllocator allocator) {
    return wrap(array, tensorField(name, array), allocator, Options.defaults());
  }

  /**
   * Makes a vector over an array's memory, without copy where the elements are contiguous in the
   * order of {@code field}; else copied if the options allow. A bit-packed boolean field takes a
   * copy. The vector shares one bitmap of set bits with others and must not be written, unless
   * {@code Access.WRITABLE} is asked for, which gives it its own.
   *
   * @param source an array, or what one can be made of; the vector holds its memory until it is
   *     closed
   * @param field as from {@link #tensorField} or {@link #listField}; dates and times may stand for
   *     their integers
   * @param allocator charged with the array's bytes
   * @throws io.arrowtensor.InterchangeException when type or shape do not fit {@code field}, or a
   *     copy is needed and not allowed
   */
  public static FieldVector wrap(
      ArraySource source, Field field, BufferAllocator allocator, Options options) {
    return new VectorWriter(field, allocator, options).write(source);
  }

  /**
   * Makes vectors over all columns of {@code batch}, which stays open. Validity masks become
   * bitmaps, which takes a copy.
   *
   * @return a root that the caller closes
   */
  public static VectorSchemaRoot toRoot(
      DeviceBatch batch, BufferAllocator allocator, Options options) {
    return RootBatches.toRoot(batch, null, allocator, options);
  }

  /**
   * As {@link #toRoot(DeviceBatch, BufferAllocator, Options)}, for columns that may be indices into
   * a dictionary.
   *
   * @param dictionaries gets a vector for each dictionary, which the caller closes
   */
  public static VectorSchemaRoot toRoot(
      DeviceBatch batch,
      MapDictionaryProvider dictionaries,
      BufferAllocator allocator,
      Options options) {
    return RootBatches.toRoot(batch, dictionaries, allocator, options);
  }
}
