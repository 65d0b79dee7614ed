package io.arrowtensor.dlpack;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.Memory;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.testing.CountingDeleter;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Export, delete and close from many threads: each owner is released exactly once. */
@ExtendWith(NoLeaks.class)
class ExportThreadsTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 300;

  @Test
  void oneArrayIsExportedAndDeletedByManyWhileItIsClosed() throws Exception {
    for (int round = 0; round < 20; round++) {
      AtomicInteger released = new AtomicInteger();
      DeviceArray array =
          DeviceArray.from(
              Memory.borrow(4096, DType.INT8, 100).withOwner((Runnable) released::incrementAndGet));
      CyclicBarrier start = new CyclicBarrier(THREADS);
      AtomicInteger exported = new AtomicInteger();
      runAll(
          index -> {
            start.await();
            if (index == 0) {
              array.close();
            }
            for (int i = 0; i < ROUNDS; i++) {
              try {
                DlpackStruct.versioned(Dlpack.export(array)).delete();
                exported.incrementAndGet();
              } catch (IllegalStateException closed) {
                assertThat(array.isClosed()).isTrue();
              }
            }
          });
      array.close();
      assertThat(released).as("releases after %s exports", exported).hasValue(1);
    }
  }

  @Test
  void structsTakenOnManyThreadsAreDeletedOnceEach() throws Exception {
    CountingDeleter deleter = new CountingDeleter();
    runAll(
        index -> {
          for (int i = 0; i < ROUNDS; i++) {
            try (ForeignTensor foreign = new ForeignTensor(true)) {
              DeviceArray array = DeviceArray.from(foreign.take());
              DeviceArray view = DeviceArray.from(array);
              array.close();
              DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(view));
              view.close();
              struct.delete();
            }
          }
        });
    assertThat(deleter.calls()).isEqualTo((long) THREADS * ROUNDS);
  }

  @Test
  void oneVectorIsExportedByManyAndClosedBeforeTheyDelete(BufferAllocator allocator)
      throws Exception {
    IntVector vector = new IntVector("n", allocator);
    vector.allocateNew(1000);
    vector.setValueCount(1000);
    for (int i = 0; i < 1000; i++) {
      vector.set(i, i);
    }
    List<Long> structs = new ArrayList<>();
    runAll(
        index -> {
          for (int i = 0; i < ROUNDS; i++) {
            long struct = Dlpack.export(Vectors.view(vector));
            synchronized (structs) {
              structs.add(struct);
            }
          }
        });
    vector.close();
    assertThat(structs).hasSize(THREADS * ROUNDS);
    runAll(
        index -> {
          for (int i = index; i < structs.size(); i += THREADS) {
            DlpackStruct struct = DlpackStruct.versioned(structs.get(i));
            assertThat(DlpackStruct.buffer(struct.data(), 4000).getInt(3996)).isEqualTo(999);
            struct.delete();
          }
        });
    assertThat(allocator.getAllocatedMemory()).isZero();
  }

  private interface Work {
    void run(int index) throws Exception;
  }

  private static void runAll(Work work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        int index = t;
        tasks.add(
            () -> {
              work.run(index);
              return null;
            });
      }
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    } finally {
      threads.shutdown();
    }
  }
}
