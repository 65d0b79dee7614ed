package io.arrowtensor.benchmarks.flink;

import ai.onnxruntime.OrtEnvironment;
import io.arrowtensor.benchmarks.JobResult;
import io.arrowtensor.benchmarks.Model;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.util.EnvironmentInformation;

/**
 * Scoring in this process by this library, and by PyFlink in Python: the same rows, models, ONNX
 * Runtime and settings of its sessions, and one cluster. The ways take turns and must agree on the
 * mean. PyFlink's planner and operators are Java, and the jobs are those that a driver in Python
 * would submit. {@code benchmarks/run flink-python} runs it, in the repository's root.
 */
public final class FlinkPython {
  private FlinkPython() {}

  /** Measures all and writes the results to the file that the first argument names. */
  public static void main(String[] args) throws Exception {
    List<JobResult> results = new ArrayList<>();
    try (Rounds rounds = new Rounds()) {
      for (Model model : Model.values()) {
        List<Way> ways = new ArrayList<>(ModelWays.of(model));
        ways.addAll(SqlWays.of(model));
        ways.removeIf(way -> way.name().endsWith("row_by_row")); // flink-scoring measures these
        ways.addAll(PythonWays.of(model));
        results.addAll(rounds.measure(ways));
      }
    }
    String with =
        "Flink %s, ONNX Runtime %s"
            .formatted(
                EnvironmentInformation.getVersion(), OrtEnvironment.getEnvironment().getVersion());
    JobResult.write(results, FlinkPython.class, with, Path.of(args[0]));
  }
}
