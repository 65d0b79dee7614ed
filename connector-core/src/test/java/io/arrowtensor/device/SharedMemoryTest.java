package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Options;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shared memory mapped several times by one process; {@link SharedProcessesTest} has more. */
@ExtendWith(NoLeaks.class)
class SharedMemoryTest {
  private final String name = "arrowtensor-test-" + UUID.randomUUID();

  private static SharedMemory again(SharedMemory shared, Access access) {
    return SharedMemory.open(shared.pid(), shared.fd(), shared.bytes(), access);
  }

  private static DeviceArray ints(SharedMemory shared) {
    return DeviceArray.from(shared.array(0, DType.INT32, shared.bytes() / 4));
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  @Test
  void twoMappingsAreTheSameBytesAtTwoAddresses() {
    try (SharedMemory one = SharedMemory.create(64);
        SharedMemory two = again(one, Access.AS_SOURCE);
        DeviceArray here = ints(one);
        DeviceArray there = ints(two)) {
      assertThat(here.address()).isNotEqualTo(there.address());
      assertThat(here.outcome().isZeroCopy()).isTrue();
      here.byteBuffer().putInt(0, 42);
      assertThat(there.byteBuffer().getInt(0)).isEqualTo(42);
      there.byteBuffer().putInt(4, 43);
      assertThat(here.byteBuffer().getInt(4)).isEqualTo(43);
    }
  }

  /** The number may be another memory's by then. */
  @Test
  void closedMemoryHasNoDescriptorToTell() {
    SharedMemory shared = SharedMemory.create(64);
    try (DeviceArray keepsItMapped = ints(shared)) {
      shared.close();
      assertThat(keepsItMapped.byteBuffer().getInt(0)).isZero();
      assertThatThrownBy(shared::fd)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "Cannot name the descriptor of shared memory that was closed: keep it open until the"
                  + " other process has opened it");
    }
  }

  @Test
  void newMemoryIsZero() {
    try (SharedMemory shared = SharedMemory.create(10_000);
        DeviceArray bytes = DeviceArray.from(shared.array(0, DType.UINT8, 10_000))) {
      for (int i = 0; i < 10_000; i++) {
        assertThat(bytes.byteBuffer().get(i)).isZero();
      }
    }
  }

  @Test
  void aReadOnlyMappingMakesReadOnlyArrays() {
    try (SharedMemory one = SharedMemory.create(64);
        SharedMemory two = again(one, Access.READ_ONLY);
        DeviceArray there = ints(two)) {
      assertThat(there.isReadOnly()).isTrue();
      Options writable = Options.defaults().withAccess(Access.WRITABLE).withCopy(Copy.NEVER);
      assertThatThrownBy(() -> DeviceArray.from(two.array(0, DType.INT8, 1), writable))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("(READ_ONLY)");
      DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(there));
      assertThat(struct.flags()).as("READ_ONLY").isEqualTo(1);
      struct.delete();
    }
  }

  @Test
  void arraysOutliveTheirMemoryObjectAndEndTheMapping() throws IOException {
    long before = descriptors();
    SharedMemory shared = SharedMemory.create(64);
    DeviceArray array = ints(shared);
    shared.close();
    shared.close();
    assertThatThrownBy(() -> ints(shared))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot use shared memory that was closed: keep it open until its arrays are made");
    array.byteBuffer().putInt(0, 7);
    assertThat(array.byteBuffer().getInt(0)).isEqualTo(7);
    assertThat(descriptors()).as("held by the array").isEqualTo(before + 1);
    array.close();
    assertThat(descriptors()).isEqualTo(before);
  }

  @Test
  void partsAreArraysOfTheirOwn() {
    try (SharedMemory shared = SharedMemory.create(24);
        DeviceArray all = DeviceArray.from(shared.array(0, DType.INT64, 3));
        DeviceArray part = DeviceArray.from(shared.array(8, DType.FLOAT32, 2, 2))) {
      part.byteBuffer().putInt(12, 5);
      assertThat(part.address()).isEqualTo(all.address() + 8);
      assertThat(all.byteBuffer().getInt(20)).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @CsvSource({"-1, 1", "0, 65", "64, 1", "9223372036854775807, 1"})
  void arraysBeyondTheMemoryAreRefused(long offset, long size) {
    try (SharedMemory shared = SharedMemory.create(64)) {
      assertThatThrownBy(() -> shared.array(offset, DType.INT8, size))
          .isInstanceOf(InvalidStructException.class)
          .hasMessage(
              "Invalid array of %d bytes at offset %d: the shared memory has 64 bytes"
                  .formatted(size, offset));
      assertThatThrownBy(() -> shared.array(0, DType.INT8, 1L << 62, 4))
          .isInstanceOf(InvalidStructException.class)
          .hasMessageContaining("overflows 64 bits");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void thereIsNoMemoryOfNoSize(long bytes) {
    assertThatThrownBy(() -> SharedMemory.create(bytes))
        .isInstanceOf(InterchangeException.class)
        .hasMessage("Cannot share " + bytes + " bytes of memory: the least is 1");
  }

  @Test
  void moreThanTheSystemHasIsRefusedAndLeavesNothing() throws IOException {
    long before = descriptors();
    assertThatThrownBy(() -> SharedMemory.create(Long.MAX_VALUE))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot map 9223372036854775807 bytes of shared memory: Cannot allocate memory");
    assertThat(descriptors()).isEqualTo(before);
  }

  @Test
  void moreThanThereIsCannotBeMapped() {
    try (SharedMemory shared = SharedMemory.create(64)) {
      assertThatThrownBy(() -> SharedMemory.open(shared.pid(), shared.fd(), 65, Access.READ_ONLY))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot map 65 bytes of /proc/%d/fd/%d: it has 64; ask its producer for the size"
                  .formatted(shared.pid(), shared.fd()));
    }
  }

  /** A producer could shrink it while it is read, which the reader would not survive. */
  @Test
  void memoryWhoseSizeIsNotSealedIsRefused() {
    int fd = Posix.memory("unsealed");
    Posix.resize(fd, 64);
    long pid = ProcessHandle.current().pid();
    assertThatThrownBy(() -> SharedMemory.open(pid, fd, 64, Access.READ_ONLY))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot map /proc/" + pid + "/fd/" + fd + ": it is no memory of")
        .hasMessageEndingWith("seal it with fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)");
    Posix.sealSize(fd);
    SharedMemory.open(pid, fd, 64, Access.READ_ONLY).close();
    Posix.close(fd);
  }

  @Test
  void sealedMemoryKeepsItsSize() {
    try (SharedMemory shared = SharedMemory.create(64)) {
      ForeignLibrary c = ForeignLibrary.process();
      assertThat((int) c.call("ftruncate", shared.fd(), 1)).isEqualTo(-1);
      assertThatThrownBy(() -> Posix.reserve(shared.fd(), 65))
          .isInstanceOf(InterchangeException.class)
          .hasMessage("Cannot reserve 65 bytes of shared memory: Operation not permitted");
      assertThat(Posix.size(shared.fd())).isEqualTo(64);
    }
  }

  @Test
  void whatIsNoMemoryIsRefused() throws IOException {
    long before = descriptors();
    long pid = ProcessHandle.current().pid();
    int file = Posix.open("/proc/self/exe", Posix.O_RDONLY);
    assertThatThrownBy(() -> SharedMemory.open(pid, file, 1, Access.READ_ONLY))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("it is no memory of SharedMemory.create");
    Posix.close(file);
    assertThatThrownBy(() -> SharedMemory.open(pid, 1 << 20, 1, Access.READ_ONLY))
        .isInstanceOf(InterchangeException.class)
        .hasMessage("Cannot open /proc/" + pid + "/fd/1048576: No such file or directory");
    assertThat(descriptors()).isEqualTo(before);
  }

  @Test
  void namedMemoryIsFoundByItsNameUntilItIsUnlinked() {
    try (SharedMemory producer = SharedMemory.named(name, 64);
        SharedMemory consumer = SharedMemory.openNamed(name, 64, Access.AS_SOURCE);
        DeviceArray here = ints(producer);
        DeviceArray there = ints(consumer)) {
      here.byteBuffer().putInt(8, 4);
      assertThat(there.byteBuffer().getInt(8)).isEqualTo(4);
      assertThat(Path.of("/dev/shm", name)).exists();
      assertThatThrownBy(() -> SharedMemory.named(name, 64))
          .isInstanceOf(InterchangeException.class)
          .hasMessage("Cannot open the shared memory named /" + name + ": File exists");
      assertThatThrownBy(() -> SharedMemory.openNamed(name, 65, Access.READ_ONLY))
          .isInstanceOf(InterchangeException.class)
          .hasMessageStartingWith("Cannot map 65 bytes of " + name + ": it has 64");
      assertThat(SharedMemory.unlink(name)).isTrue();
      assertThat(Path.of("/dev/shm", name)).doesNotExist();
      assertThat(SharedMemory.unlink(name)).isFalse();
      assertThat(there.byteBuffer().getInt(8)).as("mapped still").isEqualTo(4);
    } finally {
      SharedMemory.unlink(name);
    }
  }

  @Test
  void aNameThatCannotBeHadLeavesNoneBehind() throws IOException {
    assumeTrue(
        Files.getFileStore(Path.of("/dev/shm")).getTotalSpace() > 0, "/dev/shm has no limit");
    assertThatThrownBy(() -> SharedMemory.named(name, Long.MAX_VALUE))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith(
            "Cannot name 9223372036854775807 bytes of memory: /dev/shm has room for ");
    assertThat(Path.of("/dev/shm", name)).doesNotExist();
    assertThatThrownBy(() -> SharedMemory.openNamed(name, 1, Access.READ_ONLY))
        .isInstanceOf(InterchangeException.class)
        .hasMessageEndingWith(": No such file or directory");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../etc/passwd", "a/b", "/a", "a b", "a\0b"})
  void namesThatArePathsAreRefused(String wrong) {
    assertThatThrownBy(() -> SharedMemory.named(wrong, 64))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Invalid name '" + wrong + "' of shared memory: expected");
  }
}
