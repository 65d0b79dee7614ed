import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.python.PythonRuntime;
import io.arrowtensor.testing.CountedMemory;
import java.util.ArrayList;
import java.util.List;
import jep.Interpreter;
import jep.SharedInterpreter;

/**
 * A JVM that hosts Python through JEP: arrays to NumPy and back, and every order of endings. The
 * argument names what it does; {@code run-embedded} runs each in a process of its own.
 */
public final class EmbeddedPython {
  private static final String CONNECT = "import arrowtensor, numpy; arrowtensor.connect(entry)";

  private EmbeddedPython() {}

  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "array goes to NumPy and back" -> roundTrip();
      case "Java's array outlives the interpreter" -> javaOutlives();
      case "NumPy's view is dropped with the interpreter" -> pythonDrops();
      case "threads with an interpreter each" -> threads();
      case "JVM exits with arrays alive on both sides" -> exitWithArrays(open());
      case "System.exit with arrays alive on both sides" -> {
        exitWithArrays(open());
        System.exit(0);
      }
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.out.println("done");
  }

  private static Interpreter open() {
    Interpreter python = new SharedInterpreter();
    python.set("entry", PythonRuntime.entry());
    python.exec(CONNECT);
    return python;
  }

  private static CountedMemory lend(Interpreter python) {
    CountedMemory memory = new CountedMemory(4 * Double.BYTES);
    try (DeviceArray array =
        memory.array(DType.FLOAT64, new long[] {4}, new long[] {1}, 0, false)) {
      for (int i = 0; i < 4; i++) {
        array.byteBuffer().putDouble(i * Double.BYTES, i + 0.5);
      }
      python.set("handle", PythonRuntime.share(array));
      python.set("address", array.address());
    }
    python.exec("x = numpy.from_dlpack(arrowtensor.Array(handle))");
    return memory;
  }

  private static DeviceArray borrow(Interpreter python) {
    python.exec("lent = arrowtensor.asarray(x)");
    return PythonRuntime.array(python.getValue("lent.handle", Long.class));
  }

  private static void roundTrip() {
    try (Interpreter python = open()) {
      CountedMemory memory = lend(python);
      python.exec("assert x.tolist() == [0.5, 1.5, 2.5, 3.5] and x.ctypes.data == address");
      python.exec("x[1] = 7");
      try (DeviceArray back = borrow(python)) {
        check(back.address() == memory.address(), "the same address");
        check(back.byteBuffer().getDouble(Double.BYTES) == 7, "what NumPy wrote");
        python.exec("lent.close(); del x, lent");
        check(memory.releases() == 0, "held by Java");
      }
      check(memory.releases() == 1, "released once");
    }
    check(NativeBytes.held() == 0, "no byte held");
  }

  private static void javaOutlives() {
    DeviceArray back;
    try (Interpreter python = open()) {
      python.exec("x = numpy.arange(4.0)");
      back = borrow(python);
      python.exec("del x, lent");
    }
    check(back.byteBuffer().getDouble(3 * Double.BYTES) == 3, "NumPy's memory is there");
    back.close();
    check(NativeBytes.held() == 0, "no byte held");
  }

  private static void pythonDrops() throws InterruptedException {
    CountedMemory memory;
    try (Interpreter python = open()) {
      memory = lend(python);
    }
    check(memory.awaitRelease(30), "released with the interpreter's variables");
    check(memory.releases() == 1, "released once");
  }

  private static void threads() throws InterruptedException {
    List<Thread> running = new ArrayList<>();
    List<Throwable> errors = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Thread thread = new Thread(EmbeddedPython::manyTrips);
      thread.setUncaughtExceptionHandler(
          (which, e) -> {
            synchronized (errors) {
              errors.add(e);
            }
          });
      running.add(thread);
    }
    // Python is started by one thread, which stays: JEP's main interpreter.
    open().close();
    running.forEach(Thread::start);
    for (Thread thread : running) {
      thread.join();
    }
    check(errors.isEmpty(), "no errors: " + errors);
    check(NativeBytes.held() == 0, "no byte held");
  }

  private static void manyTrips() {
    try (Interpreter python = open()) {
      for (int i = 0; i < 200; i++) {
        CountedMemory memory = lend(python);
        borrow(python).close();
        python.exec("lent.close(); del x, lent");
        check(memory.releases() == 1, "released once");
      }
    }
  }

  private static DeviceArray kept;

  private static void exitWithArrays(Interpreter python) {
    lend(python);
    python.exec("y = numpy.arange(4.0); x2 = x; x = y");
    kept = borrow(python);
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("not so: " + what);
    }
  }
}
