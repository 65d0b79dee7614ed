package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import org.apache.parquet.bytes.ByteBufferInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.compression.CompressionCodecFactory.BytesInputDecompressor;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one column, row group after row group: read, checked and decompressed one at a time.
 * A page is valid until the next is read.
 */
final class ParquetPages {
  /**
   * Bytes of a dictionary page's header at most. Early writers in C++ (PARQUET-816) left it out of
   * the bytes that a column states to have.
   */
  private static final int DICTIONARY_HEADER = 100;

  /**
   * Bytes of a page that are allocated without asking whether its column states to have as many.
   */
  private static final int USUAL = 1 << 26;

  /**
   * A page.
   *
   * @param dictionary whether its values are those that other pages have indices of
   * @param rows values and nulls
   * @param levels which rows have values: runs of one bit; null where the file states none
   */
  record Page(boolean dictionary, int rows, Encoding encoding, @Nullable Span levels, Span values) {
    /** Whether the values are indices of a dictionary. */
    @SuppressWarnings("deprecation") // the name of dictionary encoding in files of version 1
    boolean hasIndices() {
      return encoding == Encoding.RLE_DICTIONARY || encoding == Encoding.PLAIN_DICTIONARY;
    }
  }

  private final PageInput input;
  private final CompressionCodecFactory codecs;
  private final boolean checksums;
  private final boolean nullable;
  private @Nullable BytesInputDecompressor codec;
  private long stated;

  /**
   * @param codecs borrowed
   * @param checksums whether to verify those that pages have
   * @param nullable whether rows may be null, so that there are levels
   */
  ParquetPages(
      PageInput input, CompressionCodecFactory codecs, boolean checksums, boolean nullable) {
    this.input = input;
    this.codecs = codecs;
    this.checksums = checksums;
    this.nullable = nullable;
  }

  /** Begins with the pages of {@code chunk}. */
  void open(ColumnChunkMetaData chunk) throws IOException {
    codec =
        chunk.getCodec() == CompressionCodecName.UNCOMPRESSED
            ? null
            : codecs.getDecompressor(chunk.getCodec());
    stated = chunk.getTotalUncompressedSize();
    int behind = chunk.getDictionaryPageOffset() > 0 ? DICTIONARY_HEADER : 0;
    input.open(chunk.getStartingPos(), chunk.getTotalSize(), behind);
  }

  /**
   * The next page.
   *
   * @throws InvalidStructException if there is none, though who asks has rows without values
   */
  Page next() throws IOException {
    while (input.hasMore()) {
      PageHeader header = Util.readPageHeader(input);
      Span stored = input.take(header.getCompressed_page_size());
      if (stored == null) {
        throw new InvalidStructException(
            "a page of "
                + header.getCompressed_page_size()
                + " bytes is larger than what is left of the column");
      }
      if (checksums && header.isSetCrc()) {
        requireChecksum(header.getCrc(), stored);
      }
      Page page = page(header, stored);
      if (page != null) {
        return page;
      }
    }
    throw new InvalidStructException("its pages have fewer values than its row group has rows");
  }

  /** The page, null where it has no values. */
  private @Nullable Page page(PageHeader header, Span stored) throws IOException {
    return switch (header.getType()) {
      case DATA_PAGE -> first(required(header.getData_page_header()), header, stored);
      case DATA_PAGE_V2 -> second(required(header.getData_page_header_v2()), header, stored);
      case DICTIONARY_PAGE ->
          dictionary(required(header.getDictionary_page_header()), header, stored);
      case INDEX_PAGE -> null;
    };
  }

  private static void requireChecksum(int stated, Span stored) {
    CRC32 crc = new CRC32();
    crc.update(stored.array(), stored.from(), stored.length());
    if ((int) crc.getValue() != stated) {
      throw new InvalidStructException("a page differs from its checksum");
    }
  }

  private static <T> T required(@Nullable T header) {
    if (header == null) {
      throw new InvalidStructException("the header of a page lacks the part of its kind");
    }
    return header;
  }

  private Page first(DataPageHeader header, PageHeader page, Span stored) throws IOException {
    Span values = decompressed(stored, page.getUncompressed_page_size());
    if (!nullable) {
      return page(header.getNum_values(), header.getEncoding(), null, values);
    }
    if (header.getDefinition_level_encoding() != Encoding.RLE) {
      throw new UnsupportedTypeException(
          "its nulls are encoded as "
              + header.getDefinition_level_encoding()
              + "; write it in another way, or leave it out");
    }
    Span levels = values.behind(Integer.BYTES).first(values.intAt(values.from()));
    return page(
        header.getNum_values(),
        header.getEncoding(),
        levels,
        values.behind(Integer.BYTES + levels.length()));
  }

  private Page second(DataPageHeaderV2 header, PageHeader page, Span stored) throws IOException {
    int repetition = header.getRepetition_levels_byte_length();
    Span behind = stored.behind(repetition);
    Span levels = behind.first(header.getDefinition_levels_byte_length());
    Span values = behind.behind(levels.length());
    if (header.isIs_compressed()) {
      long size = (long) page.getUncompressed_page_size() - repetition - levels.length();
      values = decompressed(values, size);
    }
    return page(header.getNum_values(), header.getEncoding(), nullable ? levels : null, values);
  }

  private static Page page(int rows, Encoding encoding, @Nullable Span levels, Span values) {
    if (rows < 0) {
      throw new InvalidStructException("a page states " + rows + " values");
    }
    return new Page(false, rows, encoding, levels, values);
  }

  @SuppressWarnings("deprecation") // the name of plain encoding in dictionaries of version 1
  private Page dictionary(DictionaryPageHeader header, PageHeader page, Span stored)
      throws IOException {
    if (header.getEncoding() != Encoding.PLAIN
        && header.getEncoding() != Encoding.PLAIN_DICTIONARY) {
      throw new UnsupportedTypeException(
          "its dictionary is encoded as "
              + header.getEncoding()
              + "; write it in another way, or leave it out");
    }
    Span words = decompressed(stored, page.getUncompressed_page_size());
    Page plain = page(header.getNum_values(), Encoding.PLAIN, null, words);
    return new Page(true, plain.rows(), plain.encoding(), null, words);
  }

  private Span decompressed(Span stored, long bytes) throws IOException {
    BytesInputDecompressor decompressor = codec;
    if (decompressor == null) {
      return stored;
    }
    if (bytes < 0 || bytes > Math.max(USUAL, stated)) {
      throw new InvalidStructException(
          "a page states " + bytes + " bytes where its column states " + stated);
    }
    if (bytes == 0) {
      return stored.first(0);
    }
    int size = Math.toIntExact(bytes);
    BytesInput input = BytesInput.from(stored.array(), stored.from(), stored.length());
    ByteBufferInputStream all = decompressor.decompress(input, size).toInputStream();
    if (all.available() != size) {
      throw new InvalidStructException("a page has " + all.available() + " bytes, not " + size);
    }
    ByteBuffer values = all.slice(size); // of the heap
    int from = values.arrayOffset() + values.position();
    return new Span(values.array(), from, from + size);
  }
}
