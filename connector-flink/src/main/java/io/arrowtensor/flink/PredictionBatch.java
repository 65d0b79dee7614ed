package io.arrowtensor.flink;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;

/** A batch of a query's rows, and what Flink waits for: one future a row. One thread at a time. */
final class PredictionBatch {
  private final TensorBatch<RowData> memory;
  private final StreamRecord<RowData> record = new StreamRecord<>(null);
  private List<CompletableFuture<Collection<RowData>>> answers = new ArrayList<>();

  PredictionBatch(TensorBatch<RowData> memory) {
    this.memory = memory;
  }

  TensorBatch<RowData> memory() {
    return memory;
  }

  int rows() {
    return memory.input().rows();
  }

  boolean isFull() {
    return memory.input().isFull();
  }

  /** Copies {@code row}, to be answered by {@code answer}. */
  void add(RowData row, CompletableFuture<Collection<RowData>> answer) {
    memory.input().add(record.replace(row), null);
    answers.add(answer);
  }

  /** The rows of results, which outlive this batch; closes the results. */
  List<RowData> results(OutputRows outputs) {
    int rows = rows();
    List<RowData> results = new ArrayList<>(rows);
    try (ResultRow row = (ResultRow) memory.results()) {
      for (int i = 0; i < rows; i++) {
        row.at(i, memory.input().kind(i));
        results.add(outputs.copy(row));
      }
    }
    return results;
  }

  /** The futures of the rows, in order; the next row is the first of a new batch. */
  List<CompletableFuture<Collection<RowData>>> clear() {
    List<CompletableFuture<Collection<RowData>>> taken = answers;
    answers = new ArrayList<>(taken.size());
    memory.clear();
    return taken;
  }
}
