package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** An export and the class loader that made it. */
class NativeLoaderTest {
  private static final byte[] TEXT = "still readable".getBytes(StandardCharsets.UTF_8);
  private static final int COLLECTIONS = 5;
  private static final int PATIENCE_MILLIS = 200;

  private final ReferenceQueue<ClassLoader> collected = new ReferenceQueue<>();

  @Test
  void exportKeepsItsClassLoaderAliveAndItsDeletionLetsItGo() throws Exception {
    WeakReference<ClassLoader> loader = new WeakReference<>(new IsolatedLoader(), collected);
    long tensor = (long) ((IsolatedLoader) loader.get()).call(NativeLoaderTest.class, "export");

    assertThat(isCollected(COLLECTIONS)).as("loader collected under a live export").isFalse();
    byte[] text = new byte[TEXT.length];
    RawMemory.copyInto(RawMemory.longAt(tensor + 32), text, 0, text.length);
    assertThat(text).isEqualTo(TEXT);

    long frees = RawMemory.longAt(tensor + 40);
    assertThat(TestNative.call("on_thread", RawMemory.longAt(tensor + 16), tensor)).isZero();
    assertThat(RawMemory.longAt(frees)).as("frees").isEqualTo(1);
    assertThat(isCollected(10 * COLLECTIONS)).as("loader collected after the deleter").isTrue();
    Native.free(frees);
  }

  /** Runs in an isolated loader: a tensor with the data's address, and one of a free counter. */
  static long export() {
    NativeLibrary.require();
    long data = Native.allocate(TEXT.length, 64);
    RawMemory.copyFrom(TEXT, 0, data, TEXT.length);
    long frees = Native.allocate(8, 8);
    RawMemory.putLong(frees, 0);
    long tensor =
        Exports.versioned(
            new Owner() {
              @Override
              protected void free() {
                RawMemory.putLong(frees, RawMemory.longAt(frees) + 1);
                Native.free(data);
              }
            });
    RawMemory.putLong(tensor + 32, data);
    RawMemory.putLong(tensor + 40, frees);
    return tensor;
  }

  private boolean isCollected(int attempts) throws InterruptedException {
    for (int i = 0; i < attempts; i++) {
      System.gc();
      if (collected.remove(PATIENCE_MILLIS) != null) {
        return true;
      }
    }
    return false;
  }
}
