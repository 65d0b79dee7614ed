package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("counts threads and replaces System.err")
class NativeExportTest {
  private final CountingOwner owner = new CountingOwner();

  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @Test
  void payloadIsZeroedAndAligned() {
    long payload = Native.newExport(null, 200);
    assertThat(payload % 16).as("alignment of 0x%x", payload).isZero();
    for (int i = 0; i < 200; i++) {
      assertThat(RawMemory.byteAt(payload + i)).as("byte %d", i).isZero();
    }
    Native.freeExport(payload);
  }

  @Test
  void exportsOfImpossibleSizesAreRefused() {
    assertThat(Native.newExport(owner, -1)).isZero();
    assertThat(Native.newExport(owner, Long.MIN_VALUE)).isZero();
    assertThat(Native.newExport(owner, Long.MAX_VALUE)).isZero();
    assertThat(owner.frees()).isZero();
  }

  @Test
  void anExportTakenBackDoesNotReleaseItsOwner() {
    Native.freeExport(Native.newExport(owner, 80));
    assertThat(owner.frees()).isZero();
    owner.release();
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void versionedDeleterReleasesTheOwnerOnThisThread() {
    Exports.delete(Exports.versioned(owner));
    assertThat(owner.frees()).isEqualTo(1);
    assertThat(owner.thread()).isEqualTo(Thread.currentThread().getName());
  }

  @Test
  void unversionedDeleterReleasesTheOwner() {
    long tensor = Exports.unversioned(owner);
    Native.call(RawMemory.longAt(tensor + 56), tensor, 0, 0, 0, 0, 0);
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void aTensorThatItsConsumerMovedIsDeletedByItsContext() {
    long tensor = Exports.versioned(owner);
    long moved = Native.allocate(80, 16);
    RawMemory.copy(tensor, moved, 80);
    Exports.delete(moved);
    assertThat(owner.frees()).isEqualTo(1);
    Native.free(moved);
  }

  @Test
  void unknownCallbacksHaveNoAddress() {
    assertThat(Native.callback(-1)).isZero();
    assertThat(Native.callback(Native.END_CALLBACKS + 1)).isZero();
  }

  @Test
  void foreignThreadReleasesTheOwnerAsDaemon() {
    long tensor = Exports.versioned(owner);
    assertThat(TestNative.call("on_thread", RawMemory.longAt(tensor + 16), tensor)).isZero();
    assertThat(owner.frees()).isEqualTo(1);
    assertThat(owner.thread()).isEqualTo("arrowtensor-release");
    assertThat(owner.daemon()).isTrue();
  }

  @Test
  void tenThousandForeignThreadsLeaveNoJavaThreadBehind() {
    int count = 10_000;
    long tensors = Native.allocate(count * 8L, 64);
    for (int i = 0; i < count; i++) {
      owner.retain();
      RawMemory.putLong(tensors + i * 8L, Exports.versioned(owner));
    }
    owner.release();
    long deleter = Native.callback(Native.DLPACK_VERSIONED_DELETER);
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long startedBefore = threads.getTotalStartedThreadCount();
    int before = threads.getThreadCount();
    assertThat(TestNative.call("on_threads", deleter, tensors, count)).isEqualTo(count);
    assertThat(owner.frees()).isEqualTo(1);
    assertThat(threads.getTotalStartedThreadCount() - startedBefore)
        .as("threads that were attached")
        .isGreaterThanOrEqualTo(count);
    assertThat(threads.getThreadCount()).as("threads alive").isLessThanOrEqualTo(before + 2);
    for (long id : threads.getAllThreadIds()) {
      assertThat(threads.getThreadCpuTime(id)).as("CPU time of thread %d", id).isGreaterThan(-2);
    }
    Native.free(tensors);
  }

  @Test
  void exceptionOfAnOwnerIsPrintedAndGoesNoFurther() {
    Owner failing =
        new Owner() {
          @Override
          protected void free() {
            throw new IllegalArgumentException("thrown while freeing");
          }
        };
    failing.retain();
    failing.release();
    String printed =
        printedBy(
            () -> {
              Exports.delete(Exports.versioned(failing));
              Exports.delete(Exports.versioned(owner));
            });
    assertThat(printed).contains("thrown while freeing");
    assertThat(owner.frees()).as("the next deleter still works").isEqualTo(1);
  }

  @Test
  void exceptionOfAnOwnerOnAForeignThreadDoesNotEndTheThread() {
    owner.release();
    long overReleased = Exports.versioned(owner);
    long deleter = RawMemory.longAt(overReleased + 16);
    String printed =
        printedBy(() -> assertThat(TestNative.call("on_thread", deleter, overReleased)).isZero());
    assertThat(printed).contains("Cannot release");
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void pendingExceptionOfTheCallerSurvivesADeleter() {
    long tensor = Exports.versioned(owner);
    long deleter = RawMemory.longAt(tensor + 16);
    assertThatThrownBy(() -> TestNative.call("with_pending_exception", deleter, tensor))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("pending");
    assertThat(owner.frees()).isEqualTo(1);
  }

  private static String printedBy(Runnable action) {
    PrintStream before = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      action.run();
    } finally {
      System.setErr(before);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aBlockWhoseStructHasNoDeleterIsDroppedOnAnyThread() {
    long drop = Native.callback(Native.EXPORT_DROP);
    CountingOwner here = new CountingOwner();
    Native.call(drop, Native.newExport(here, 56), 0, 0, 0, 0, 0);
    assertThat(here.frees()).isEqualTo(1);
    CountingOwner elsewhere = new CountingOwner();
    assertThat(TestNative.call("on_thread", drop, Native.newExport(elsewhere, 80))).isZero();
    assertThat(elsewhere.frees()).isEqualTo(1);
    Native.call(drop, 0, 0, 0, 0, 0, 0);
  }
}
