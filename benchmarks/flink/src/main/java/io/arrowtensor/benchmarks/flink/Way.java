package io.arrowtensor.benchmarks.flink;

import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * One way to do a job.
 *
 * @param rows rows that the job reads
 * @param job builds it, with a {@link SumSink} at its end
 */
record Way(String name, Map<String, String> params, long rows, Job job) {

  /** Builds a job. */
  @FunctionalInterface
  interface Job {
    void build(StreamExecutionEnvironment environment) throws Exception;
  }
}
