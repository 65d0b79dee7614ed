package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Access;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * Another process that maps shared memory and does as it is told, a line each: {@code create
 * BYTES}, {@code open PID FD BYTES}, {@code put INDEX VALUE}, {@code get INDEX}, {@code end}. It
 * answers each with a line.
 */
final class SharedProcess implements AutoCloseable {
  private final Process process;
  private final BufferedReader answers;
  private final PrintWriter orders;

  private SharedProcess(List<String> command) throws IOException {
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    answers = process.inputReader(StandardCharsets.UTF_8);
    orders = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
  }

  /** A virtual machine with this library. */
  static SharedProcess java() throws IOException {
    return new SharedProcess(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+IgnoreUnrecognizedVMOptions",
            "--sun-misc-unsafe-memory-access=allow",
            "--enable-native-access=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            SharedProcess.class.getName()));
  }

  /** Python with nothing but its standard library. */
  static SharedProcess python() throws IOException {
    return new SharedProcess(List.of("python3", "-u", "-c", PYTHON));
  }

  /** Runs a Python script; what it printed. */
  static String script(String script, long... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("python3", "-c", script));
    LongStream.of(arguments).mapToObj(Long::toString).forEach(command::add);
    Process python = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(python.waitFor()).as(printed).isZero();
    return printed.strip();
  }

  private static final String PYTHON =
      """
      import mmap, os, sys
      for line in sys.stdin:
          order, *numbers = line.split()
          numbers = [int(number) for number in numbers]
          if order == "open":
              pid, fd, size = numbers
              file = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
              memory = mmap.mmap(file, size)
              print("mapped")
          elif order == "put":
              memory[numbers[0]] = numbers[1]
              print("done")
          elif order == "get":
              print(memory[numbers[0]])
          else:
              break
      """;

  /** Gives an order and waits for the answer. */
  String tell(String order, long... numbers) throws IOException {
    StringBuilder line = new StringBuilder(order);
    for (long number : numbers) {
      line.append(' ').append(number);
    }
    orders.println(line);
    String answer = answers.readLine();
    assertThat(answer).as("answer to '%s'", line).isNotNull();
    return answer;
  }

  long pid() {
    return process.pid();
  }

  /** As {@code kill -9}; returns when the process is gone. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the process ended").isTrue();
  }

  @Override
  public void close() throws IOException {
    orders.println("end");
    answers.close();
    process.destroyForcibly();
  }

  /** The Java process: what it is told comes in on standard input. */
  public static void main(String[] arguments) throws IOException {
    BufferedReader orders =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    SharedMemory memory = null;
    DeviceArray array = null;
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      String[] order = line.split(" ");
      switch (order[0]) {
        case "create", "open" -> {
          memory =
              order[0].equals("create")
                  ? SharedMemory.create(Long.parseLong(order[1]))
                  : SharedMemory.open(
                      Long.parseLong(order[1]),
                      Integer.parseInt(order[2]),
                      Long.parseLong(order[3]),
                      Access.AS_SOURCE);
          array = DeviceArray.from(memory.array(0, DType.UINT8, memory.bytes()));
          System.out.println(order[0].equals("create") ? memory.fd() : "mapped");
        }
        case "put" -> {
          array.byteBuffer().put(Integer.parseInt(order[1]), (byte) Integer.parseInt(order[2]));
          System.out.println("done");
        }
        case "get" -> System.out.println(array.byteBuffer().get(Integer.parseInt(order[1])) & 0xff);
        default -> {
          array.close();
          memory.close();
          return;
        }
      }
    }
  }
}
