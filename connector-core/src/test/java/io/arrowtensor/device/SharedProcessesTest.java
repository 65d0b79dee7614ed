package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import io.arrowtensor.Access;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.testing.NoLeaks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shared memory between real processes, which may be killed. */
@ExtendWith(NoLeaks.class)
class SharedProcessesTest {
  private static final int BYTES = 1 << 20;

  private static SharedProcess start(String kind) throws IOException {
    if (kind.equals("java")) {
      return SharedProcess.java();
    }
    try {
      return SharedProcess.python();
    } catch (IOException e) {
      String why = "Shared memory is not tested with Python: " + e.getMessage();
      System.err.println(why);
      return abort(why);
    }
  }

  private static DeviceArray bytes(SharedMemory memory) {
    return DeviceArray.from(memory.array(0, DType.UINT8, memory.bytes()));
  }

  /** The file behind a descriptor of a process; no two of them have the same number at once. */
  private static long inode(long pid, long fd) throws IOException {
    Path path = Path.of("/proc", Long.toString(pid), "fd", Long.toString(fd));
    return (Long) Files.getAttribute(path, "unix:ino");
  }

  /** The processes that map a file in memory: it lives as long as there is one. */
  private static List<String> mappers(long inode) throws IOException {
    List<String> found = new ArrayList<>();
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path process :
          processes.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
        try (Stream<String> maps = Files.lines(process.resolve("maps"))) {
          if (maps.anyMatch(line -> line.matches(".* " + inode + " +/memfd:arrowtensor .*"))) {
            found.add(process.getFileName().toString());
          }
        } catch (IOException | java.io.UncheckedIOException e) {
          // another user's, or it has just ended
        }
      }
    }
    return found;
  }

  private static Set<Path> names() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
      return files
          .filter(file -> file.getFileName().toString().contains("arrowtensor"))
          .collect(Collectors.toSet());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "python"})
  void bothSidesSeeWhatTheOtherWrites(String kind) throws IOException {
    try (SharedProcess other = start(kind);
        SharedMemory memory = SharedMemory.create(BYTES);
        DeviceArray array = bytes(memory)) {
      array.byteBuffer().put(0, (byte) 11).put(BYTES - 1, (byte) 200);
      assertThat(other.tell("open", memory.pid(), memory.fd(), BYTES)).isEqualTo("mapped");
      assertThat(other.tell("get", 0)).isEqualTo("11");
      assertThat(other.tell("get", BYTES - 1)).isEqualTo("200");
      other.tell("put", 5, 55);
      assertThat(array.byteBuffer().get(5)).isEqualTo((byte) 55);
      array.byteBuffer().put(6, (byte) 66);
      assertThat(other.tell("get", 6)).isEqualTo("66");
      assertThat(mappers(inode(memory.pid(), memory.fd())))
          .containsExactlyInAnyOrder(Long.toString(memory.pid()), Long.toString(other.pid()));
    }
  }

  /** docs/devices.md: its program and its script. */
  @Test
  void theDocumentedScriptReadsWhatTheDocumentedProgramWrites() throws Exception {
    start("python").close();
    String page = Files.readString(Path.of("..", "docs", "devices.md"));
    String script = page.split("```python\n")[1].split("```")[0];
    try (SharedMemory shared = SharedMemory.create(4 * 3);
        DeviceArray prices = DeviceArray.from(shared.array(0, DType.FLOAT32, 3))) {
      prices.byteBuffer().putFloat(0, 1.5f).putFloat(4, 2.5f).putFloat(8, 3.5f);
      assertThat(SharedProcess.script(script, shared.pid(), shared.fd(), shared.bytes()))
          .isEqualTo("[1.5, 2.5, 3.5]");
    }
  }

  @Test
  void memoryOfAProducerThatWasKilledLastsUntilItsConsumerCloses() throws Exception {
    Set<Path> before = names();
    try (SharedProcess producer = SharedProcess.java()) {
      int fd = Integer.parseInt(producer.tell("create", BYTES));
      producer.tell("put", 3, 33);
      long inode = inode(producer.pid(), fd);
      SharedMemory memory = SharedMemory.open(producer.pid(), fd, BYTES, Access.READ_ONLY);
      DeviceArray array = bytes(memory);
      producer.kill();
      assertThat(array.byteBuffer().get(3)).isEqualTo((byte) 33);
      assertThat(mappers(inode)).containsExactly(Long.toString(memory.pid()));
      memory.close();
      array.close();
      assertThat(mappers(inode)).isEmpty();
      assertThatThrownBy(() -> SharedMemory.open(producer.pid(), fd, BYTES, Access.READ_ONLY))
          .isInstanceOf(InterchangeException.class)
          .hasMessageEndingWith("No such file or directory");
    }
    assertThat(names()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "python"})
  void aConsumerThatWasKilledLeavesNothingBehind(String kind) throws Exception {
    Set<Path> before = names();
    long inode;
    try (SharedProcess consumer = start(kind);
        SharedMemory memory = SharedMemory.create(BYTES);
        DeviceArray array = bytes(memory)) {
      consumer.tell("open", memory.pid(), memory.fd(), BYTES);
      consumer.tell("put", 3, 33);
      inode = inode(memory.pid(), memory.fd());
      consumer.kill();
      assertThat(array.byteBuffer().get(3)).isEqualTo((byte) 33);
      assertThat(mappers(inode)).containsExactly(Long.toString(memory.pid()));
    }
    assertThat(mappers(inode)).isEmpty();
    assertThat(names()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "python"})
  void whenBothWereKilledTheMemoryIsGone(String kind) throws Exception {
    Set<Path> before = names();
    try (SharedProcess producer = SharedProcess.java();
        SharedProcess consumer = start(kind)) {
      int fd = Integer.parseInt(producer.tell("create", BYTES));
      consumer.tell("open", producer.pid(), fd, BYTES);
      long inode = inode(producer.pid(), fd);
      assertThat(mappers(inode)).hasSize(2);
      producer.kill();
      assertThat(mappers(inode)).containsExactly(Long.toString(consumer.pid()));
      consumer.kill();
      assertThat(mappers(inode)).isEmpty();
    }
    assertThat(names()).isEqualTo(before);
  }
}
