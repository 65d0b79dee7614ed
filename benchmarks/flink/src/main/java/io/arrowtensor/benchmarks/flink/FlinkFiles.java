package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.benchmarks.JobResult;
import io.arrowtensor.flink.TensorStream;
import io.arrowtensor.flink.file.ArrowFiles;
import io.arrowtensor.flink.file.ParquetFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.formats.parquet.ParquetColumnarRowInputFormat;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.hadoop.conf.Configuration;

/**
 * What reading whole batches is worth: jobs that read eight columns of floats from files, add them
 * for each row and then all sums. Flink's own reader gives Parquet as rows, to a map; this
 * library's give batches of Parquet and Arrow files to the operator, whose results go on as rows or
 * as one element a batch. {@code benchmarks/run flink-files} runs it, in the repository's root.
 */
public final class FlinkFiles {
  private static final long ROWS_OF_A_FILE = Long.getLong("rows", 5_000_000);

  /** Links to one file, so that a job takes long enough and the page cache holds all. */
  private static final int FILES = 4;

  private static final long ROWS = FILES * ROWS_OF_A_FILE;
  private static final int BATCH = ParquetFiles.MAX_ROWS;

  private FlinkFiles() {}

  /** Measures all and writes the results to the file that the first argument names. */
  public static void main(String[] args) throws Exception {
    Path folder = Files.createTempDirectory("flink-files");
    try (Rounds rounds = new Rounds()) {
      Path plain = Files.createDirectory(folder.resolve("plain"));
      Path dictionary = Files.createDirectory(folder.resolve("dictionary"));
      Path arrow = Files.createDirectory(folder.resolve("arrow"));
      FeatureFiles.parquet(plain.resolve("0"), false, ROWS_OF_A_FILE);
      FeatureFiles.parquet(dictionary.resolve("0"), true, ROWS_OF_A_FILE);
      FeatureFiles.arrow(arrow.resolve("0"), ROWS_OF_A_FILE, BATCH);
      for (Path linked : List.of(plain, dictionary, arrow)) {
        for (int i = 1; i < FILES; i++) {
          Files.createLink(linked.resolve(Integer.toString(i)), linked.resolve("0"));
        }
      }
      List<Way> ways = new ArrayList<>();
      addRows(ways, "parquet", plain);
      addBatches(ways, "parquet", plain, ParquetFiles.read(path(plain), Features.NAMES));
      addBatches(ways, "arrow", arrow, ArrowFiles.read(path(arrow), Features.NAMES));
      addRows(ways, "parquet_dictionary", dictionary);
      addBatches(
          ways,
          "parquet_dictionary",
          dictionary,
          ParquetFiles.read(path(dictionary), Features.NAMES));
      JobResult.write(
          rounds.measure(ways),
          FlinkFiles.class,
          "Flink " + EnvironmentInformation.getVersion(),
          Path.of(args[0]));
    } finally {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static org.apache.flink.core.fs.Path path(Path file) {
    return new org.apache.flink.core.fs.Path(file.toUri());
  }

  /** As Flink's documentation reads Parquet to {@code RowData}, in batches as large as ours. */
  private static void addRows(List<Way> ways, String format, Path file) {
    InternalTypeInfo<RowData> type = InternalTypeInfo.of(FeatureFiles.columns());
    ParquetColumnarRowInputFormat<FileSourceSplit> rows =
        new ParquetColumnarRowInputFormat<>(
            new Configuration(), FeatureFiles.columns(), type, BATCH, false, true);
    ways.add(
        new Way(
            "rows_to_map",
            Map.of("file", format),
            ROWS,
            environment ->
                source(environment, rows, file)
                    .map(FlinkScoring::sum)
                    .returns(Float.class)
                    .sinkTo(new SumSink<>((total, value) -> total.add(value)))));
  }

  private static void addBatches(
      List<Way> ways, String format, Path file, BulkFormat<OwnedBatch, FileSourceSplit> batches) {
    Map<String, String> params = Map.of("file", format);
    ways.add(
        new Way(
            "batches_row_results",
            params,
            ROWS,
            environment ->
                TensorStream.of(source(environment, batches, file))
                    .columns(Features.NAMES)
                    .map(new RowSums())
                    .sinkTo(new SumSink<RowData>((total, row) -> total.add(row.getFloat(0))))));
    ways.add(
        new Way(
            "batches_batch_results",
            params,
            ROWS,
            environment ->
                TensorStream.of(source(environment, batches, file))
                    .columns(Features.NAMES)
                    .mapBatches(new RowSums())
                    .sinkTo(new SumSink<>(FlinkScoring::add))));
  }

  private static <T> DataStream<T> source(
      StreamExecutionEnvironment environment, BulkFormat<T, FileSourceSplit> format, Path file) {
    FileSource<T> source = FileSource.forBulkFileFormat(format, path(file)).build();
    return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "file");
  }
}
