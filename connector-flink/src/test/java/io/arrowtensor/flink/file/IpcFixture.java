package io.arrowtensor.flink.file;

import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.arrow.compression.CommonsCompressionFactory;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BaseIntVector;
import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.compression.CompressionCodec;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/** Arrow IPC files of all types that can be read, made and read again by Arrow's own classes. */
final class IpcFixture {
  private static final Map<String, ArrowType> SCALARS =
      new java.util.TreeMap<>(
          Map.ofEntries(
              Map.entry("bool", new ArrowType.Bool()),
              Map.entry("i8", new ArrowType.Int(8, true)),
              Map.entry("i16", new ArrowType.Int(16, true)),
              Map.entry("i32", new ArrowType.Int(32, true)),
              Map.entry("i64", new ArrowType.Int(64, true)),
              Map.entry("u8", new ArrowType.Int(8, false)),
              Map.entry("u16", new ArrowType.Int(16, false)),
              Map.entry("u32", new ArrowType.Int(32, false)),
              Map.entry("u64", new ArrowType.Int(64, false)),
              Map.entry("f16", new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)),
              Map.entry("f32", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)),
              Map.entry("f64", new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE)),
              Map.entry("day", new ArrowType.Date(DateUnit.DAY)),
              Map.entry("date", new ArrowType.Date(DateUnit.MILLISECOND)),
              Map.entry("time", new ArrowType.Time(TimeUnit.MICROSECOND, 64)),
              Map.entry("stamp", new ArrowType.Timestamp(TimeUnit.NANOSECOND, "UTC")),
              Map.entry("text", new ArrowType.Utf8()),
              Map.entry("bytes", new ArrowType.Binary()),
              Map.entry("longText", new ArrowType.LargeUtf8())));

  private IpcFixture() {}

  /** One column of each type, then a list, an array of two floats and the same dictionaries. */
  static Schema schema() {
    List<Field> fields = new ArrayList<>();
    SCALARS.forEach((name, type) -> fields.add(Field.nullable(name, type)));
    Field item = Field.nullable("item", SCALARS.get("f32"));
    fields.add(new Field("list", FieldType.nullable(new ArrowType.List()), List.of(item)));
    Field fixed = Field.notNullable("item", SCALARS.get("f32"));
    fields.add(
        new Field("pair", FieldType.nullable(new ArrowType.FixedSizeList(2)), List.of(fixed)));
    return new Schema(fields);
  }

  /** Random rows of which about one in {@code nullEvery} is null; none for 0. */
  static VectorSchemaRoot rows(
      Schema schema, int rows, int nullEvery, Random random, BufferAllocator allocator) {
    VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator);
    for (FieldVector vector : root.getFieldVectors()) {
      vector.allocateNew();
      fill(vector, rows, nullEvery, random);
    }
    root.setRowCount(rows);
    return root;
  }

  private static void fill(FieldVector vector, int rows, int nullEvery, Random random) {
    for (int row = 0; row < rows; row++) {
      boolean isNull = nullEvery > 0 && random.nextInt(nullEvery) == 0;
      if (isNull) {
        setNull(vector, row);
      } else if (vector instanceof FixedSizeListVector lists) {
        lists.startNewValue(row);
      } else if (vector instanceof ListVector lists) {
        lists.startNewValue(row);
        lists.endValue(row, random.nextInt(4));
      } else {
        set(vector, row, random);
      }
    }
    vector.setValueCount(rows);
    if (vector instanceof FixedSizeListVector lists) {
      fill(lists.getDataVector(), 2 * rows, 0, random);
    } else if (vector instanceof ListVector lists) {
      fill(lists.getDataVector(), rows == 0 ? 0 : lists.getElementEndIndex(rows - 1), 0, random);
    }
  }

  private static void setNull(FieldVector vector, int row) {
    if (vector instanceof ListVector lists) {
      lists.setNull(row);
    } else {
      vector.setNull(row);
    }
  }

  private static void set(FieldVector vector, int row, Random random) {
    if (vector instanceof org.apache.arrow.vector.BitVector bits) {
      bits.setSafe(row, random.nextInt(2));
    } else if (vector instanceof BaseFixedWidthVector fixed) {
      while (fixed.getValueCapacity() <= row) {
        fixed.reAlloc();
      }
      byte[] bytes = new byte[fixed.getTypeWidth()];
      random.nextBytes(bytes);
      fixed.setIndexDefined(row);
      fixed.getDataBuffer().setBytes((long) row * bytes.length, bytes);
    } else {
      byte[] text =
          Integer.toString(random.nextInt(50), 36)
              .repeat(random.nextInt(3))
              .getBytes(java.nio.charset.StandardCharsets.UTF_8);
      if (vector instanceof BaseVariableWidthVector bytes) {
        bytes.setSafe(row, text);
      } else {
        ((org.apache.arrow.vector.BaseLargeVariableWidthVector) vector).setSafe(row, text);
      }
    }
  }

  /**
   * Writes text and floats by dictionaries of three values, two batches.
   *
   * @param nullWord whether a value of a dictionary is null
   */
  static List<List<Object>> writeWithDictionaries(
      Path file,
      int rows,
      boolean nulls,
      boolean nullWord,
      ArrowType.Int index,
      BufferAllocator allocator)
      throws Exception {
    try (VarCharVector words = new VarCharVector("words", allocator);
        Float4Vector numbers = new Float4Vector("numbers", allocator)) {
      words.allocateNew();
      numbers.allocateNew();
      for (int i = 0; i < 3; i++) {
        words.setSafe(i, ("word" + "!".repeat(i)).getBytes(StandardCharsets.UTF_8));
        numbers.setSafe(i, 1.5f * i);
      }
      if (nullWord) {
        words.setNull(1);
      }
      words.setValueCount(3);
      numbers.setValueCount(3);
      MapDictionaryProvider dictionaries = new MapDictionaryProvider();
      dictionaries.put(new Dictionary(words, new DictionaryEncoding(1, false, index)));
      dictionaries.put(new Dictionary(numbers, new DictionaryEncoding(7, false, index)));
      List<Field> fields =
          List.of(
              new Field(
                  "word",
                  new FieldType(true, index, new DictionaryEncoding(1, false, index)),
                  null),
              new Field("plain", FieldType.notNullable(new ArrowType.Int(64, true)), null),
              new Field(
                  "number",
                  new FieldType(true, index, new DictionaryEncoding(7, false, index)),
                  null));
      try (VectorSchemaRoot root = VectorSchemaRoot.create(new Schema(fields), allocator);
          FileChannel out =
              FileChannel.open(
                  file,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.TRUNCATE_EXISTING);
          ArrowFileWriter writer = new ArrowFileWriter(root, dictionaries, out)) {
        for (int batch = 0; batch < 2; batch++) {
          for (int c = 0; c < 3; c++) {
            BaseIntVector vector = (BaseIntVector) root.getVector(c);
            vector.allocateNew();
            for (int row = 0; row < rows; row++) {
              if (nulls && c != 1 && row % 3 == 1) {
                ((FieldVector) vector).setNull(row);
              } else {
                vector.setUnsafeWithPossibleTruncate(row, (row * 7 + batch) % 3);
                ((BaseFixedWidthVector) vector).setIndexDefined(row);
              }
            }
          }
          root.setRowCount(rows);
          writer.writeBatch();
        }
      }
    }
    return read(file, allocator);
  }

  /** Writes the batches, closes them, and tells what Arrow's reader finds in the file. */
  static List<List<Object>> write(Path file, CodecType codec, VectorSchemaRoot... batches)
      throws Exception {
    VectorSchemaRoot first = batches[0];
    try (FileChannel out =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING);
        VectorSchemaRoot root =
            VectorSchemaRoot.create(first.getSchema(), first.getVector(0).getAllocator());
        ArrowFileWriter writer =
            new ArrowFileWriter(
                root,
                new MapDictionaryProvider(),
                out,
                null,
                IpcOption.DEFAULT,
                CompressionCodec.Factory.INSTANCE,
                codec)) {
      writer.start();
      for (VectorSchemaRoot batch : batches) {
        try (batch;
            var record = new org.apache.arrow.vector.VectorUnloader(batch).getRecordBatch()) {
          new org.apache.arrow.vector.VectorLoader(root).load(record);
          writer.writeBatch();
        }
      }
    }
    return read(file, first.getVector(0).getAllocator());
  }

  /** All rows of a file by Arrow's own reader, dictionaries decoded. */
  static List<List<Object>> read(Path file, BufferAllocator allocator) throws Exception {
    List<List<List<Object>>> batches = new ArrayList<>();
    try (FileChannel in = FileChannel.open(file);
        ArrowFileReader reader =
            new ArrowFileReader(in, allocator, CommonsCompressionFactory.INSTANCE)) {
      while (reader.loadNextBatch()) {
        List<List<Object>> columns = new ArrayList<>();
        for (FieldVector vector : reader.getVectorSchemaRoot().getFieldVectors()) {
          DictionaryEncoding encoding = vector.getField().getDictionary();
          if (encoding == null) {
            columns.add(Cells.of(vector));
          } else {
            Dictionary dictionary = reader.lookup(encoding.getId());
            try (FieldVector decoded = (FieldVector) DictionaryEncoder.decode(vector, dictionary)) {
              columns.add(Cells.of(decoded));
            }
          }
        }
        batches.add(columns);
      }
    }
    return Cells.joined(batches);
  }
}
