package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class OwnerTest {
  private static final int THREADS = 4;

  private final CountingOwner owner = new CountingOwner();

  @Test
  void onlyTheLastReleaseFrees() {
    owner.retain();
    owner.release();
    assertThat(owner.frees()).isZero();
    owner.release();
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void aReleaseTooManyIsRefusedAndFreesNothing() {
    owner.release();
    assertThatThrownBy(owner::release)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Cannot release");
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void freedMemoryCannotBeRetained() {
    owner.release();
    assertThatThrownBy(owner::retain)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Cannot retain");
  }

  @Test
  void manyThreadsFreeExactlyOnce() throws Exception {
    int references = 50_000;
    List<Callable<Boolean>> holders = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      owner.retain();
      holders.add(
          () -> {
            for (int i = 0; i < references; i++) {
              owner.retain();
              owner.release();
            }
            owner.release();
            return true;
          });
    }
    owner.release();
    runAll(holders);
    assertThat(owner.frees()).isEqualTo(1);
  }

  @Test
  void racingReleasesTooManyFreeOnceAndAreEachRefused() throws Exception {
    int attempts = 1_000;
    List<Callable<Boolean>> racers = new ArrayList<>();
    for (int i = 0; i < attempts; i++) {
      racers.add(
          () -> {
            try {
              owner.release();
              return true;
            } catch (IllegalStateException e) {
              return false;
            }
          });
    }
    assertThat(runAll(racers)).filteredOn(released -> released).hasSize(1);
    assertThat(owner.frees()).isEqualTo(1);
  }

  private static List<Boolean> runAll(List<Callable<Boolean>> tasks) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Boolean> results = new ArrayList<>();
      for (Future<Boolean> result : threads.invokeAll(tasks)) {
        results.add(result.get());
      }
      return results;
    } finally {
      threads.shutdown();
    }
  }
}
