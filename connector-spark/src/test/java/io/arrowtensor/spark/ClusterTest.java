package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Executors in processes of their own, which get functions and devices from the driver. */
class ClusterTest {
  @Test
  void executorsScoreAndEachTaskKnowsItsDevice(@TempDir Path home) throws Exception {
    Path gpus = home.resolve("gpus");
    Files.writeString(gpus, "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"3\"]}'\n");
    Files.setPosixFilePermissions(gpus, PosixFilePermissions.fromString("rwx------"));
    String output = run(home, gpus);
    List<String> found =
        Pattern.compile("found .*").matcher(output).results().map(m -> m.group()).toList();
    assertThat(found)
        .as(output)
        .hasSize(2)
        .anyMatch(row -> row.matches("found \\[true,0[.]0,3[.]0,\\d+]"))
        .anyMatch(row -> row.matches("found \\[true,1[.]0,3[.]0,\\d+]"));
  }

  private static String run(Path home, Path gpus) throws IOException, InterruptedException {
    Files.createDirectory(home.resolve("jars")); // where Spark's scripts look for its own
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(org.apache.spark.launcher.JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(ClusterJob.class.getName(), gpus.toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(home.toFile()).redirectErrorStream(true);
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    Path log = home.resolve("log");
    Process process = builder.redirectOutput(log.toFile()).start();
    try {
      boolean ended = process.waitFor(240, TimeUnit.SECONDS);
      String output = Files.readString(log);
      assertThat(ended).as(output).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      return output;
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
