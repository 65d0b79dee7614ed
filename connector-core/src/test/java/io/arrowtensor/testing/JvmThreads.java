package io.arrowtensor.testing;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.python.PythonRuntime;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

/** Threads of the JVM that let go of arrays which Python lent, for the Python suite. */
public final class JvmThreads {
  private static final Queue<DeviceArray> KEPT = new ConcurrentLinkedQueue<>();

  private JvmThreads() {}

  /** Keeps an array for as long as the JVM runs, or until one of the other methods closes it. */
  public static void keep(DeviceArray array) {
    KEPT.add(array);
  }

  /** Closes all that is kept, from {@code threads} threads at a time, and waits for them. */
  public static void closeKept(int threads) throws InterruptedException {
    CountDownLatch together = new CountDownLatch(threads);
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread thread =
          new Thread(
              () -> {
                together.countDown();
                await(together);
                closeKept();
              });
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) {
      thread.join();
    }
  }

  /** Closes all that is kept when the JVM exits. */
  public static void closeKeptAtExit() {
    Runtime.getRuntime().addShutdownHook(new Thread(JvmThreads::closeKept));
  }

  /** Closes all that is kept, now and later, on a daemon thread, until the JVM is gone. */
  public static void closeKeptForever() {
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                closeKept();
                Thread.onSpinWait();
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  /** Lets {@code threads} threads call back at once, and waits for them. */
  public static void callBack(int threads, Runnable function) throws InterruptedException {
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread thread = new Thread(function);
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) {
      thread.join();
    }
  }

  /** Takes an array by its handle {@code times} times, and lets go of it on this thread. */
  public static void takeAndClose(long handle, int times) {
    for (int i = 0; i < times; i++) {
      PythonRuntime.array(handle).close();
    }
  }

  private static void closeKept() {
    for (DeviceArray array = KEPT.poll(); array != null; array = KEPT.poll()) {
      array.close();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
