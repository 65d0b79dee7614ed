package io.arrowtensor.device;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceType;

/** What an engine does with OpenCL: a context, a queue and work of its own. */
final class OpenClEngine implements AutoCloseable {
  private static final int EVENT_STATUS = 0x11D3;

  private final OpenCl cl = OpenCl.require();
  private final long context;
  private final long queue;

  OpenClEngine() {
    long ours = cl.own(new Device(DeviceType.OPENCL, 0)).queue();
    try (Scratch status = Scratch.words(1);
        Scratch device = Scratch.of(deviceOf(ours))) {
      context =
          cl.create("clCreateContext", status, 0, 1, device.address(0), 0, 0, status.address(0));
    }
    queue = cl.newQueue(context, deviceOf(ours));
  }

  private long deviceOf(long aQueue) {
    return cl.info("clGetCommandQueueInfo", aQueue, 0x1091);
  }

  long context() {
    return context;
  }

  long queue() {
    return queue;
  }

  long contextOf(long buffer) {
    return cl.info("clGetMemObjectInfo", buffer, 0x1106);
  }

  /** Fills a buffer, some time. */
  void fill(long buffer, int value, long bytes) {
    try (Scratch pattern = Scratch.of(value)) {
      cl.run("clEnqueueFillBuffer", queue, buffer, pattern.address(0), 1, 0, bytes, 0, 0, 0);
    }
  }

  /** An event that happens when it is told to. */
  long userEvent() {
    try (Scratch status = Scratch.words(1)) {
      return cl.create("clCreateUserEvent", status, context, status.address(0));
    }
  }

  void complete(long userEvent) {
    cl.run("clSetUserEventStatus", userEvent, 0);
  }

  /** The work that the event stands for ended with an error. */
  void fail(long userEvent) {
    cl.run("clSetUserEventStatus", userEvent, -1);
  }

  /** A queue whose work waits for an event. */
  long queueBehind(long event) {
    long behind = cl.newQueue(context, deviceOf(queue));
    try (Scratch one = Scratch.of(event)) {
      cl.run("clEnqueueBarrierWithWaitList", behind, 1, one.address(0), 0);
    }
    return behind;
  }

  /** An event that happens after all work so far. */
  long marker() {
    try (Scratch out = Scratch.words(1)) {
      cl.run("clEnqueueMarkerWithWaitList", queue, 0, 0, out.address(0));
      cl.run("clFlush", queue);
      return out.longAt(0);
    }
  }

  boolean isComplete(long event) {
    try (Scratch out = Scratch.words(1)) {
      cl.run("clGetEventInfo", event, EVENT_STATUS, 4, out.address(0), 0);
      return out.intAt(0) == 0;
    }
  }

  void finish() {
    cl.run("clFinish", queue);
  }

  void releaseEvents(long... events) {
    for (long event : events) {
      cl.run("clReleaseEvent", event);
    }
  }

  void releaseQueue(long other) {
    cl.run("clReleaseCommandQueue", other);
  }

  @Override
  public void close() {
    cl.run("clReleaseCommandQueue", queue);
    cl.run("clReleaseContext", context);
  }
}
