package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Deleters that are called while and after the virtual machine goes away, in a process each. */
class JvmExitTest {
  private static final int PATIENCE_SECONDS = 60;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"return", "exit"})
  void deleterInAnExitHandlerReturnsAndDoesNotCrash(String end) throws Exception {
    assertThat(run(end, "handler"))
        .contains("deleter returned at exit")
        .as("the owner, when no Java can run any more")
        .doesNotContain("freed");
  }

  @ParameterizedTest
  @CsvSource({"return, late", "return, early", "exit, early"})
  void deleterOnAnAttachedThreadThatOutlivesTheVirtualMachineReturns(String end, String handler)
      throws Exception {
    assertThat(run(end, handler))
        .containsSubsequence(
            "freed first", "deleter returned on a thread at exit", "thread ended at exit")
        .doesNotContain("freed second");
  }

  private List<String> run(String... arguments) throws IOException, InterruptedException {
    ProcessBuilder java = new ProcessBuilder();
    java.command()
        .addAll(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xcheck:jni",
                "-XX:+IgnoreUnrecognizedVMOptions",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName()));
    java.command().addAll(List.of(arguments));
    Path file = Files.createTempFile(folder, "output", ".txt");
    Process process = java.redirectErrorStream(true).redirectOutput(file.toFile()).start();
    boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String output = Files.readString(file);
    assertThat(ended).as("ended by itself: " + output).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output).doesNotContain("in native method");
    return output.lines().toList();
  }

  /** The process: how it ends, and who calls a deleter then. */
  static final class Program {
    private Program() {}

    public static void main(String[] arguments) {
      if (arguments[1].equals("early")) {
        System.load(TestNative.file().toString());
      }
      NativeLibrary.require();
      long deleter = Native.callback(Native.DLPACK_VERSIONED_DELETER);
      long first = Exports.versioned(new Printing("first"));
      if (arguments[1].equals("handler")) {
        TestNative.call("at_exit", deleter, first);
      } else {
        long second = Exports.versioned(new Printing("second"));
        long late = arguments[1].equals("late") ? 1 : 0;
        TestNative.call("on_thread_at_exit", deleter, first, second, late);
      }
      if (arguments[0].equals("exit")) {
        System.exit(0);
      }
    }
  }

  private static final class Printing extends Owner {
    private final String name;

    Printing(String name) {
      this.name = name;
    }

    @Override
    protected void free() {
      System.out.println("freed " + name);
    }
  }
}
