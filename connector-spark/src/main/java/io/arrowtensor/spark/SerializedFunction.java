package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.InterchangeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.Serializable;

/**
 * A function on its way to the tasks. It travels as bytes, so that each partition gets an instance
 * of its own, also where one task reads several.
 */
final class SerializedFunction implements Serializable {
  private static final long serialVersionUID = 1;

  private final String name;
  private final String about;
  private final byte[] bytes;

  /** Serializes {@code function}; an error names it. */
  SerializedFunction(TensorFunction function) {
    this.name = function.name();
    this.about = about(function.function());
    ByteArrayOutputStream buffer = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(buffer)) {
      out.writeObject(function.function());
    } catch (IOException e) {
      throw new InterchangeException(
          "Cannot send function '"
              + name
              + "' to the tasks: "
              + e
              + "; keep only serializable fields and make the rest in open()",
          e);
    }
    this.bytes = buffer.toByteArray();
  }

  /** What the function says of itself, where it says anything. */
  private static String about(BatchFunction function) {
    String text = function.toString();
    boolean says = !text.startsWith(function.getClass().getName() + "@");
    return says ? " (" + text + ")" : "";
  }

  /** The call as errors name it. */
  String describe(Signature signature) {
    return name + "(" + String.join(", ", signature.arguments().fieldNames()) + ")" + about;
  }

  /** A new instance. */
  BatchFunction newInstance() {
    try (ObjectInputStream in = new TaskClasses(new ByteArrayInputStream(bytes))) {
      return (BatchFunction) in.readObject();
    } catch (IOException | ClassNotFoundException e) {
      throw new InterchangeException(
          "Cannot read function '"
              + name
              + "' on this executor: "
              + e
              + "; put its classes on the executors' class path",
          e);
    }
  }

  /** Classes that came with the job are known to the task's class loader alone. */
  private static final class TaskClasses extends ObjectInputStream {
    private final ClassLoader loader = Thread.currentThread().getContextClassLoader();

    TaskClasses(InputStream in) throws IOException {
      super(in);
    }

    @Override
    protected Class<?> resolveClass(ObjectStreamClass description)
        throws IOException, ClassNotFoundException {
      try {
        return Class.forName(description.getName(), false, loader);
      } catch (ClassNotFoundException e) {
        return super.resolveClass(description); // primitive types
      }
    }
  }
}
