package io.arrowtensor.flink.file;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.file.ParquetPages.Page;
import java.io.IOException;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.jspecify.annotations.Nullable;

/** One column of a file: reads its pages, row group after row group, to its vector. */
final class StoredColumn {
  private final ParquetPages pages;
  private final ParquetVector vector;
  private final int[] levels = new int[FixedValues.BLOCK];

  /** Which rows of the page have values; null where all have. */
  private @Nullable Runs present;

  private int leftInPage;
  private long leftBehindPage;

  /**
   * @param vector takes what is read
   */
  StoredColumn(ParquetPages pages, ParquetVector vector) {
    this.pages = pages;
    this.vector = vector;
  }

  ParquetVector vector() {
    return vector;
  }

  /** Begins with a row group of {@code rows}, in which {@code chunk} is this column. */
  void open(ColumnChunkMetaData chunk, long rows) throws IOException {
    vector.open();
    leftInPage = 0;
    leftBehindPage = rows;
    try {
      pages.open(chunk);
    } catch (IOException | RuntimeException e) {
      throw named(e);
    }
  }

  /** Reads the next {@code rows} of the row group to the batch that the vector was started with. */
  void read(int rows) throws IOException {
    try {
      for (int row = 0; row < rows; ) {
        while (leftInPage == 0) {
          nextPage();
        }
        int next = Math.min(rows - row, leftInPage);
        readFromPage(row, next);
        leftInPage -= next;
        row += next;
      }
    } catch (IOException | RuntimeException e) {
      throw named(e);
    }
  }

  /** The failure with this column's name; returned or thrown. */
  private RuntimeException named(Exception failure) throws IOException {
    String message = failure.getMessage();
    String why = message == null ? failure.toString() : message;
    if (failure instanceof IOException) {
      throw new IOException(this + " cannot be read: " + why, failure);
    }
    if (failure instanceof OutOfMemoryException || failure instanceof IllegalStateException) {
      throw (RuntimeException) failure; // not the file's fault
    }
    InterchangeException named =
        failure instanceof UnsupportedTypeException
            ? new UnsupportedTypeException(this + " cannot be read: " + why)
            : new InvalidStructException(this + " is corrupt: " + why);
    named.initCause(failure);
    return named;
  }

  String name() {
    return vector.column.name();
  }

  @Override
  public String toString() {
    return "its column '" + name() + "'";
  }

  private void nextPage() throws IOException {
    Page page = pages.next();
    vector.page(page);
    if (page.dictionary()) {
      return;
    }
    if (page.rows() > leftBehindPage) {
      throw new InvalidStructException(
          "a page has "
              + page.rows()
              + " values where its row group has "
              + leftBehindPage
              + " rows left");
    }
    present = page.levels() == null ? null : new Runs(page.levels(), 1);
    leftInPage = page.rows();
    leftBehindPage -= page.rows();
  }

  private void readFromPage(int row, int rows) {
    Runs runs = present;
    if (runs == null || runs.skip(1, rows)) {
      vector.readAll(row, rows);
      return;
    }
    for (int done = 0; done < rows; done += levels.length) {
      int next = Math.min(levels.length, rows - done);
      runs.read(levels, next);
      vector.readPresent(row + done, next, levels);
    }
  }
}
