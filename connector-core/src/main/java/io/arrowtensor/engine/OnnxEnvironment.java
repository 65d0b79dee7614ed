package io.arrowtensor.engine;

import ai.onnxruntime.OrtEnvironment;
import io.arrowtensor.internal.StartedEngines;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.Callable;
import java.util.concurrent.ForkJoinPool;

/**
 * Starts ONNX Runtime, whose shutdown hook is a thread: up to JDK 23 a thread keeps the class
 * loaders of all classes that are on the stack when it is made. Where the jobs of a session cluster
 * share ONNX Runtime that would be the loader of the first job, for good. So it starts on a thread
 * of the JDK's that has no class of a job on its stack, nor inherits one.
 */
final class OnnxEnvironment {
  private OnnxEnvironment() {}

  /**
   * The one environment of the class loader that ONNX Runtime came from, thus of the process where
   * that is not a job's. Any thread.
   */
  @SuppressWarnings("unchecked") // an interface of one method, which the handle fits
  static OrtEnvironment started() {
    ForkJoinPool pool = new ForkJoinPool(1);
    try {
      MethodHandle start =
          MethodHandles.lookup()
              .findStatic(
                  OrtEnvironment.class,
                  "getEnvironment",
                  MethodType.methodType(OrtEnvironment.class));
      // not a lambda, which would be a class of ours
      Callable<OrtEnvironment> starter =
          MethodHandleProxies.asInterfaceInstance(Callable.class, start);
      OrtEnvironment environment = pool.submit(starter).join();
      StartedEngines.add(OrtEnvironment.class);
      return environment;
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("Cannot start ONNX Runtime: " + e, e);
    } finally {
      pool.shutdown();
    }
  }
}
