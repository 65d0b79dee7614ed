package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.RawMemory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.local.LocalDataInputStream;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.EncodingStats;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.IndexPageHeader;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.ColumnPath;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pages that are written by hand: across the ends of steps, and such that are not what they say.
 */
class StoredColumnTest {
  private static final int LARGE = 1 << 20;
  private static final PrimitiveType TYPE =
      new PrimitiveType(Type.Repetition.OPTIONAL, PrimitiveTypeName.INT32, "x");

  @TempDir Path folder;

  /** A column of integers. */
  private final ByteArrayOutputStream chunk = new ByteArrayOutputStream();

  private Encoding encoding = Encoding.PLAIN;
  private boolean checksums;
  private boolean nullable;
  private int dictionaryOffset;
  private int missingBytes;
  private CompressionCodecName codec = CompressionCodecName.UNCOMPRESSED;

  @BeforeEach
  void magic() {
    chunk.writeBytes(new byte[] {'P', 'A', 'R', '1'});
  }

  private static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.of(values).forEach(bytes::putInt);
    return bytes.array();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private void add(PageHeader header, byte[] page) throws IOException {
    Util.writePageHeader(header, chunk);
    chunk.writeBytes(page);
  }

  private static PageHeader header(PageType type, int bytes) {
    return new PageHeader(type, bytes, bytes);
  }

  private PageHeader data(int values, byte[] page) {
    return header(PageType.DATA_PAGE, page.length)
        .setData_page_header(
            new DataPageHeader(values, encoding, Encoding.RLE, Encoding.BIT_PACKED));
  }

  private void addData(int values, byte[] page) throws IOException {
    add(data(values, page), page);
  }

  private void addDictionary(int values, byte[] page) throws IOException {
    dictionaryOffset = chunk.size();
    add(
        header(PageType.DICTIONARY_PAGE, page.length)
            .setDictionary_page_header(new DictionaryPageHeader(values, Encoding.PLAIN)),
        page);
  }

  /** Reads {@code rows} as one batch. */
  private int[] read(int rows, int step) throws IOException {
    Path file = folder.resolve("chunk");
    Files.write(file, chunk.toByteArray());
    ByteBuffer target = ByteBuffer.allocateDirect(4 * rows + 1).order(ByteOrder.nativeOrder());
    Column column = Column.scalar("x", DType.INT32).withNullable(nullable);
    try (FSDataInputStream stream = new LocalDataInputStream(file.toFile())) {
      ParquetReadOptions options =
          ParquetReadOptions.builder(ParquetFile.Settings.hadoop()).build();
      StoredColumn stored =
          new StoredColumn(
              new ParquetPages(
                  new PageInput(stream, step, LARGE),
                  options.getCodecFactory(),
                  checksums,
                  nullable),
              ParquetColumn.vector(column, rows));
      for (int again = 0; again < 2; again++) { // buffers are those of the row group before
        stored.open(chunk(rows), rows);
        stored.vector().start(RawMemory.addressOf(target), rows);
        stored.read(rows);
      }
    }
    int[] read = new int[rows];
    target.asIntBuffer().get(read);
    return read;
  }

  private ColumnChunkMetaData chunk(int rows) {
    return ColumnChunkMetaData.get(
        ColumnPath.get("x"),
        TYPE,
        codec,
        new EncodingStats.Builder().build(),
        Set.of(),
        Statistics.createStats(TYPE),
        4,
        dictionaryOffset,
        rows,
        chunk.size() - 4 - missingBytes,
        chunk.size() - 4);
  }

  private void assertRefused(int rows, Class<? extends InterchangeException> kind, String why) {
    assertThatThrownBy(() -> read(rows, LARGE)).isInstanceOf(kind).hasMessage(why);
  }

  private void assertCorrupt(int rows, String why) {
    assertRefused(rows, InvalidStructException.class, "its column 'x' is corrupt: " + why);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 30, 100, 1000, 4096, LARGE})
  void pagesAreReadWhereverStepsEnd(int step) throws IOException {
    int[] expected = IntStream.range(0, 5000).map(i -> i * 7919).toArray();
    int done = 0;
    for (int rows = 0; done < expected.length; rows = (rows * 3 + 1) % 700) {
      int end = Math.min(expected.length, done + rows);
      addData(end - done, ints(Arrays.copyOfRange(expected, done, end)));
      done = end;
    }
    assertThat(read(expected.length, step)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, LARGE})
  void nullsAreZerosAndIndicesAreLookedUpInBothVersionsOfPages(int step) throws IOException {
    nullable = true;
    addDictionary(2, ints(70, 80));
    encoding = Encoding.RLE_DICTIONARY;
    byte[] levels = bytes(2, 0, 3, 0b101); // a null, then eight packed: two of them are values
    byte[] indices = bytes(1, 2, 1, 2, 0);
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    first.writeBytes(ints(levels.length));
    first.writeBytes(levels);
    first.writeBytes(indices);
    addData(9, first.toByteArray());
    add(header(PageType.INDEX_PAGE, 3).setIndex_page_header(new IndexPageHeader()), bytes(1, 2, 3));
    ByteArrayOutputStream second = new ByteArrayOutputStream();
    second.writeBytes(levels);
    second.writeBytes(indices);
    add(
        header(PageType.DATA_PAGE_V2, second.size())
            .setData_page_header_v2(
                new DataPageHeaderV2(9, 7, 9, Encoding.RLE_DICTIONARY, levels.length, 0)),
        second.toByteArray());
    encoding = Encoding.PLAIN;
    addData(2, join(ints(2), bytes(4, 1), ints(5, 6)));
    assertThat(read(20, step))
        .containsExactly(0, 80, 0, 70, 0, 0, 0, 0, 0, 0, 80, 0, 70, 0, 0, 0, 0, 0, 5, 6);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }

  @Test
  void splitBytesAreJoined() throws IOException {
    encoding = Encoding.BYTE_STREAM_SPLIT;
    addData(3, bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    assertThat(read(3, LARGE)).containsExactly(0x0a070401, 0x0b080502, 0x0c090603);
    addData(2, bytes(1, 2, 3, 4));
    assertCorrupt(5, "8 bytes are expected where a page has 4 left");
  }

  @Test
  void splitBytesOfPartsOfAValueAreRefused() throws IOException {
    encoding = Encoding.BYTE_STREAM_SPLIT;
    addData(3, bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
    assertCorrupt(3, "13 split bytes are no values of 4 bytes");
  }

  @Test
  void theHeaderOfADictionaryThatAnEarlyWriterDidNotCountIsReadToo() throws IOException {
    addDictionary(1, ints(9));
    missingBytes = chunk.size() - 4 - 4; // of the header alone
    encoding = Encoding.PLAIN_DICTIONARY;
    addData(5, bytes(0));
    assertThat(read(5, LARGE)).containsExactly(9, 9, 9, 9, 9);
    assertThat(read(5, 1)).containsExactly(9, 9, 9, 9, 9);
  }

  @Test
  void checksumsAreVerifiedWhereThatIsAskedFor() throws IOException {
    byte[] page = ints(1, 2);
    CRC32 crc = new CRC32();
    crc.update(page);
    add(data(2, page).setCrc((int) crc.getValue()), page);
    add(data(2, page).setCrc((int) crc.getValue() + 1), page);
    assertThat(read(4, LARGE)).containsExactly(1, 2, 1, 2);
    checksums = true;
    assertThat(read(2, LARGE)).containsExactly(1, 2);
    assertCorrupt(4, "a page differs from its checksum");
  }

  @ParameterizedTest
  @ValueSource(ints = {9, LARGE, Integer.MAX_VALUE})
  void sizesThatTheColumnDoesNotHaveAreRefused(int size) throws IOException {
    add(data(2, ints(1, 2)).setCompressed_page_size(size), ints(1, 2));
    assertCorrupt(2, "a page of " + size + " bytes is larger than what is left of the column");
  }

  /** By Parquet's own reader of headers. */
  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE})
  void sizesThatAreNoneAreRefused(int size) throws IOException {
    add(data(2, ints(1, 2)).setCompressed_page_size(size), ints(1, 2));
    assertCorrupt(2, "Compressed page size must not be negative but was: " + size);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE, (1 << 26) + 1, Integer.MAX_VALUE})
  void decompressedSizesThatTheColumnDoesNotHaveAreRefused(int size) throws IOException {
    codec = CompressionCodecName.SNAPPY;
    add(data(2, ints(1, 2)).setUncompressed_page_size(size), ints(1, 2));
    int stated = chunk.size() - 4;
    assertCorrupt(2, "a page states " + size + " bytes where its column states " + stated);
  }

  /** What is left of the stated size without the levels, which are never compressed. */
  @Test
  void decompressedSizesSmallerThanTheLevelsAreRefused() throws IOException {
    codec = CompressionCodecName.SNAPPY;
    nullable = true;
    byte[] page = bytes(4, 1, 0, 0, 0, 0);
    add(
        new PageHeader(PageType.DATA_PAGE_V2, Integer.MIN_VALUE, page.length)
            .setData_page_header_v2(
                new DataPageHeaderV2(2, 0, 2, Encoding.PLAIN, 2, 0).setIs_compressed(true)),
        page);
    int stated = chunk.size() - 4;
    assertCorrupt(2, "a page states -2147483650 bytes where its column states " + stated);
  }

  @Test
  void aHeaderThatIsNoneNamesTheColumn() throws IOException {
    chunk.writeBytes(new byte[] {99, 99, 99, 99});
    assertThatThrownBy(() -> read(2, LARGE))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("its column 'x' cannot be read: ");
  }

  /** Codecs tell no more than their kind of error. */
  @Test
  void aPageThatDoesNotDecompressNamesTheColumn() throws IOException {
    codec = CompressionCodecName.ZSTD;
    add(data(2, bytes(1, 2, 3)).setUncompressed_page_size(8), bytes(1, 2, 3));
    assertThatThrownBy(() -> read(2, LARGE))
        .hasMessageStartingWith("its column 'x' ")
        .hasMessageNotContaining("null");
  }

  @Test
  void moreRowsOrValuesThanThereAreAreRefused() throws IOException {
    addData(3, ints(1, 2, 3));
    assertThat(read(3, LARGE)).containsExactly(1, 2, 3);
    assertCorrupt(2, "a page has 3 values where its row group has 2 rows left");
    assertCorrupt(4, "its pages have fewer values than its row group has rows");
    addData(2, ints(4));
    assertCorrupt(5, "8 bytes are expected where a page has 4 left");
  }

  @Test
  void valuesThatAreFewerThanNoneAreRefused() throws IOException {
    addData(-1, ints());
    assertCorrupt(1, "a page states -1 values");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 100, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void levelsThatThePageDoesNotHaveAreRefused(int size) throws IOException {
    nullable = true;
    addData(2, join(ints(size), ints(1, 2)));
    assertCorrupt(2, size + " bytes are expected where a page has 8 left");
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "0, -1", "100, 0", "0, 100", "2147483647, 2147483647"})
  void levelsOfTheSecondVersionThatThePageDoesNotHaveAreRefused(int definition, int repetition)
      throws IOException {
    add(
        header(PageType.DATA_PAGE_V2, 8)
            .setData_page_header_v2(
                new DataPageHeaderV2(2, 0, 2, Encoding.PLAIN, definition, repetition)),
        ints(1, 2));
    int stated = repetition == 0 ? definition : repetition;
    assertCorrupt(2, stated + " bytes are expected where a page has 8 left");
  }

  @Test
  void indicesWithoutDictionaryAreRefused() throws IOException {
    encoding = Encoding.RLE_DICTIONARY;
    addData(2, bytes(1, 4, 0));
    assertCorrupt(2, "a page has indices, but there is no dictionary");
  }

  @Test
  void indicesBehindADictionaryOfBytesAreRefused() {
    ByteArrayOutputStream page = new ByteArrayOutputStream();
    page.writeBytes(join(ints(1), bytes(65), ints(2), bytes(66, 67)));
    BytesValues.Words words = new BytesValues.Words(new Span(page.toByteArray(), 0, 11), 2);
    Runs runs = Runs.ofIndices(new Span(bytes(2, 2, 1, 2, 2), 0, 5));
    BytesVector vector = (BytesVector) ParquetColumn.vector(Column.string("s"), 2);
    assertThatThrownBy(() -> new BytesValues.LookedUp(runs, words).read(vector, 0, 2))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("there is an index 2, but its dictionary has 2 values");
  }

  @Test
  void indicesBehindTheDictionaryAreRefused() throws IOException {
    addDictionary(3, ints(1, 2, 3));
    encoding = Encoding.RLE_DICTIONARY;
    addData(2, bytes(2, 4, 3));
    for (int again = 0; again < 20_000; again++) { // errors of compiled loops have no message
      Runs runs = Runs.ofIndices(new Span(bytes(2, 4, 3), 0, 3));
      FixedValues words =
          new FixedValues.LookedUp(
              runs, FixedValues.Words.of(new Span(ints(1, 2, 3), 0, 12), 3, Integer.BYTES));
      assertThatThrownBy(() -> words.read(new byte[8], 2))
          .hasMessage("there is an index 3, but its dictionary has 3 values");
    }
    assertCorrupt(2, "there is an index 3, but its dictionary has 3 values");
  }

  @Test
  void aSecondDictionaryIsRefused() throws IOException {
    addDictionary(1, ints(1));
    addDictionary(1, ints(1));
    assertCorrupt(1, "there is more than one dictionary");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 4, Integer.MAX_VALUE / 4})
  void aDictionaryThatItsPageDoesNotHoldIsRefused(int words) throws IOException {
    addDictionary(words, ints(1, 2, 3));
    String why = 4L * words + " bytes are expected where a page has 12 left";
    assertCorrupt(1, words < 0 ? "a page states -1 values" : why);
  }

  @Test
  void otherEncodingsThanTheFooterStatesAreRefused() throws IOException {
    encoding = Encoding.DELTA_BYTE_ARRAY;
    addData(1, ints(1));
    assertRefused(
        1,
        UnsupportedTypeException.class,
        "its column 'x' cannot be read: a page is encoded as DELTA_BYTE_ARRAY; write it in another"
            + " way, or leave it out");
  }

  @Test
  void aHeaderWithoutThePartOfItsKindIsRefused() throws IOException {
    add(header(PageType.DATA_PAGE, 4), ints(1));
    assertCorrupt(1, "the header of a page lacks the part of its kind");
  }
}
