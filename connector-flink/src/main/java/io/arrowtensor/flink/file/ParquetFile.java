package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import java.io.Closeable;
import java.io.IOException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.formats.parquet.ParquetInputFile;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.EncodingStats;
import org.apache.parquet.conf.HadoopParquetConfiguration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/** An open Parquet file, or the row groups of it that a split has. */
final class ParquetFile implements Closeable {
  /** Those of definition levels, which files without statistics of encodings list with the data. */
  @SuppressWarnings("deprecation")
  private static final Set<Encoding> LEVELS = EnumSet.of(Encoding.RLE, Encoding.BIT_PACKED);

  /** Bytes of a column to read at once where moving about a file costs little. */
  private static final int LOCAL_STEP = 1 << 18;

  /** In calls of so many: a local file of Java allocates as much native memory. */
  private static final int LOCAL_REQUEST = 1 << 16;

  /** Bytes to ask for at once where that is a request: a column of most row groups has no more. */
  private static final int REMOTE_STEP = 1 << 23;

  /** What Hadoop is set to: its files are parsed once, not for each Parquet file. */
  static final class Settings {
    private static final ParquetConfiguration HADOOP = hadoop();

    /** Hadoop keeps the thread's class loader, which is that of the job that asks first. */
    static HadoopParquetConfiguration hadoop() {
      Thread thread = Thread.currentThread();
      ClassLoader before = thread.getContextClassLoader();
      thread.setContextClassLoader(ParquetFileReader.class.getClassLoader());
      try {
        return new HadoopParquetConfiguration();
      } finally {
        thread.setContextClassLoader(before);
      }
    }
  }

  private final Path path;
  private final long length;
  private final FSDataInputStream stream;
  private final boolean remote;
  private final ParquetReadOptions options;
  private final ParquetFileReader reader;

  /**
   * @param reader of the footer alone; closes {@code stream}
   */
  private ParquetFile(
      Path path,
      long length,
      FSDataInputStream stream,
      boolean remote,
      ParquetReadOptions options,
      ParquetFileReader reader) {
    this.path = path;
    this.length = length;
    this.stream = stream;
    this.remote = remote;
    this.options = options;
    this.reader = reader;
  }

  /**
   * Opens the row groups in the middle of which {@code bytes} from {@code start} reach, as all of
   * Parquet's readers split files. What a corrupt file says lies before or behind it belongs to the
   * first or the last split: it would be lost unseen in none. The caller closes the file.
   */
  static ParquetFile open(Path path, long start, long bytes) throws IOException {
    FileSystem files = path.getFileSystem();
    long length = files.getFileStatus(path).getLen();
    FSDataInputStream stream = files.open(path);
    boolean opened = false;
    try {
      long from = start == 0 ? Long.MIN_VALUE : start;
      long to = bytes >= length - start ? Long.MAX_VALUE : start + bytes;
      ParquetReadOptions options =
          ParquetReadOptions.builder(Settings.HADOOP).withRange(from, to).build();
      ParquetFileReader reader =
          ParquetFileReader.open(new ParquetInputFile(stream, length), options);
      opened = true;
      return new ParquetFile(path, length, stream, files.isDistributedFS(), options, reader);
    } catch (RuntimeException e) {
      throw FileFailure.of(path, e);
    } catch (IOException e) {
      throw FileFailure.of(path, e);
    } catch (NoClassDefFoundError e) {
      throw new InterchangeException(
          "Cannot read "
              + path
              + ": a class of Parquet or of Hadoop is missing ("
              + e.getMessage()
              + "); add flink-parquet and Hadoop's hadoop-common 3.4.3 to the class path, as Flink's"
              + " own Parquet format needs them",
          e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(path, e);
    } finally {
      if (!opened) {
        stream.close();
      }
    }
  }

  /**
   * The columns called {@code names} as batches have them; all of them for no names.
   *
   * @throws InterchangeException naming file and column
   */
  FileSchema columns(List<String> names) {
    try {
      List<Type> types = types(names);
      BatchSchema columns = new BatchSchema(types.stream().map(ParquetColumn::of).toList());
      types.forEach(this::requireReadable);
      return new FileSchema(columns, types.stream().map(ParquetColumn::unit).toList());
    } catch (RuntimeException e) {
      throw FileFailure.of(path, e);
    }
  }

  private List<Type> types(List<String> names) {
    MessageType schema = reader.getFooter().getFileMetaData().getSchema();
    List<String> all = schema.getFields().stream().map(Type::getName).toList();
    for (String name : names) {
      if (!all.contains(name)) {
        throw new InterchangeException("it has no column '" + name + "': its columns are " + all);
      }
    }
    List<String> chosen = names.isEmpty() ? all : names;
    for (String name : chosen) {
      if (Collections.frequency(all, name) > 1) {
        throw new InterchangeException(
            "it has several columns '" + name + "': its columns are " + all);
      }
      if (Collections.frequency(chosen, name) > 1) {
        throw new InterchangeException(
            "its column '" + name + "' is asked for twice in " + chosen + "; name it once");
      }
    }
    return chosen.stream().map(schema::getType).toList();
  }

  private void requireReadable(Type column) {
    Set<Encoding> readable = ParquetColumn.readable(column);
    for (BlockMetaData group : reader.getRowGroups()) {
      for (ColumnChunkMetaData chunk : group.getColumns()) {
        if (chunk.getPath().toArray()[0].equals(column.getName())) {
          requireEncodings(chunk, readable);
          requireCodec(chunk);
        }
      }
    }
  }

  private static void requireEncodings(ColumnChunkMetaData chunk, Set<Encoding> readable) {
    Set<Encoding> encodings = dataEncodings(chunk);
    if (!readable.containsAll(encodings)) {
      throw new UnsupportedTypeException(
          "its column '"
              + chunk.getPath().toArray()[0]
              + "' is encoded as "
              + encodings
              + "; columns of its type are read if they are "
              + new TreeSet<>(readable)
              + ", so write it as one of these, or leave it out");
    }
  }

  private void requireCodec(ColumnChunkMetaData chunk) {
    try {
      options.getCodecFactory().getDecompressor(chunk.getCodec());
    } catch (RuntimeException | LinkageError e) {
      throw new UnsupportedTypeException(
          "its column '"
              + chunk.getPath().toArray()[0]
              + "' is compressed by "
              + chunk.getCodec()
              + ", which cannot be had ("
              + e.getMessage()
              + "); put the codec on the class path, or write it in another way");
    }
  }

  private static Set<Encoding> dataEncodings(ColumnChunkMetaData chunk) {
    EncodingStats stats = chunk.getEncodingStats();
    Set<Encoding> data =
        new TreeSet<>(stats == null ? chunk.getEncodings() : stats.getDataEncodings());
    if (stats == null) {
      data.removeAll(LEVELS);
    }
    return data;
  }

  /** The row groups, whose pages all lie inside of the file. */
  List<BlockMetaData> groups() {
    requireInside();
    return reader.getRowGroups();
  }

  /** What reads a column of the file, as long as that is open. */
  StoredColumn column(Column column, int maxRows) {
    PageInput input =
        remote
            ? new PageInput(stream, REMOTE_STEP, REMOTE_STEP)
            : new PageInput(stream, LOCAL_STEP, LOCAL_REQUEST);
    ParquetPages pages =
        new ParquetPages(
            input,
            options.getCodecFactory(),
            options.usePageChecksumVerification(),
            column.nullable());
    return new StoredColumn(pages, ParquetColumn.vector(column, maxRows));
  }

  /** Refuses pages that a corrupt file names outside of itself, before memory is allocated. */
  private void requireInside() {
    for (BlockMetaData group : reader.getRowGroups()) {
      for (ColumnChunkMetaData chunk : group.getColumns()) {
        long start = chunk.getStartingPos();
        long bytes = chunk.getTotalSize();
        if (start < 0 || bytes < 0 || start > length - bytes || group.getRowCount() < 0) {
          throw new InvalidStructException(
              "its column "
                  + chunk.getPath()
                  + " names "
                  + bytes
                  + " bytes from "
                  + start
                  + " for "
                  + group.getRowCount()
                  + " rows, but the file has "
                  + length
                  + " bytes; write it anew, or leave it out");
        }
      }
    }
  }

  Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
