package io.arrowtensor.device;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.Owner;
import java.util.List;

/**
 * OpenCL buffers: a {@code cl_mem} handle and a byte offset, never an address. Used by {@code
 * Options.withDevice(new Device(DeviceType.OPENCL, id))}; there is nothing to call here.
 *
 * <p>A stream is a {@code cl_command_queue}. Buffers belong to a context: new ones to that of the
 * stream asked for, else to the one of the buffer that is copied, else to one of this library's
 * own, which {@code clGetMemObjectInfo} tells. OpenCL has no default stream: a consumer that names
 * none finds finished memory.
 */
public final class OpenClBackend implements DeviceBackend {
  /** System property: the loader's library instead of {@code libOpenCL.so.1}. */
  public static final String LIBRARY_PROPERTY = "io.arrowtensor.opencl.library";

  // CL/cl.h
  private static final int MEM_READ_WRITE = 1;
  private static final int MEM_CONTEXT = 0x1106;
  private static final int CONTEXT_DEVICES = 0x1081;
  private static final int QUEUE_CONTEXT = 0x1090;
  private static final int QUEUE_DEVICE = 0x1091;
  private static final int BLOCKING = 1;
  private static final int MAX_DEVICES = 64;

  /** For the service loader. */
  public OpenClBackend() {}

  @Override
  public boolean serves(DeviceType type) {
    return type.equals(DeviceType.OPENCL);
  }

  @Override
  public Memory allocateFor(Memory source, Device target, Stream stream) {
    OpenCl cl = OpenCl.require();
    boolean fromDevice = isOpenCl(source);
    if (fromDevice && !source.device().equals(target)) {
      throw new DeviceMismatchException(
          "Cannot transfer memory on "
              + source.device()
              + " to "
              + target
              + " in one step: transfer it to Device.CPU first, and from there");
    }
    long context;
    if (isQueue(stream)) {
      context = contextOf(cl, stream, target);
    } else {
      context = fromDevice ? contextOf(cl, source) : cl.own(target).context();
    }
    long bytes = Math.max(1, source.nbytes()); // 0 is an error to OpenCL
    try (Scratch status = Scratch.words(1)) {
      long buffer =
          cl.create("clCreateBuffer", status, context, MEM_READ_WRITE, bytes, 0, status.address(0));
      return Memory.borrow(buffer, source.dtype(), source.shape())
          .withDevice(target)
          .withReadOnly(false)
          .withOwner(new Allocated(cl, buffer, bytes));
    }
  }

  private static long contextOf(OpenCl cl, Stream stream, Device target) {
    Device actual = cl.device(cl.info("clGetCommandQueueInfo", stream.handle(), QUEUE_DEVICE));
    if (!actual.equals(target)) {
      throw new DeviceMismatchException(
          "Cannot use queue " + stream + " for memory on " + target + ": it is one of " + actual);
    }
    return cl.info("clGetCommandQueueInfo", stream.handle(), QUEUE_CONTEXT);
  }

  private static long contextOf(OpenCl cl, Memory buffer) {
    return cl.info("clGetMemObjectInfo", buffer.address(), MEM_CONTEXT);
  }

  @Override
  public void copy(Memory source, Memory target, Stream stream) {
    OpenCl cl = OpenCl.require();
    if (!source.ready().isNow()) {
      await(source.device(), source.ready());
    }
    Memory buffer = isOpenCl(target) ? target : source;
    long context = contextOf(cl, buffer);
    if (isQueue(stream)) {
      copy(cl, source, target, stream.handle());
    } else if (context == cl.own(buffer.device()).context()) {
      copy(cl, source, target, cl.own(buffer.device()).queue());
    } else {
      long queue = cl.newQueue(context, deviceOfContext(cl, context));
      try {
        copy(cl, source, target, queue);
      } finally {
        cl.run("clReleaseCommandQueue", queue);
      }
    }
  }

  private static void copy(OpenCl cl, Memory source, Memory target, long queue) {
    long from = source.address();
    long to = target.address();
    long bytes = source.nbytes();
    if (!isOpenCl(source)) {
      long host = source.start();
      cl.run("clEnqueueWriteBuffer", queue, to, BLOCKING, target.offset(), bytes, host, 0, 0, 0);
    } else if (!isOpenCl(target)) {
      long host = target.start();
      cl.run("clEnqueueReadBuffer", queue, from, BLOCKING, source.offset(), bytes, host, 0, 0, 0);
    } else {
      cl.run(
          "clEnqueueCopyBuffer", queue, from, to, source.offset(), target.offset(), bytes, 0, 0, 0);
      cl.run("clFinish", queue);
    }
  }

  @Override
  public void order(Device device, Ready ready, Stream consumer) {
    if (!isQueue(consumer)) {
      await(device, ready);
    } else if (ready.event() != 0) {
      waitOn(ready.event(), consumer);
    } else if (!ready.stream().equals(consumer)) {
      long event = record(device, ready);
      try {
        waitOn(event, consumer);
      } finally {
        destroy(device, event);
      }
    }
  }

  private static void waitOn(long event, Stream consumer) {
    try (Scratch one = Scratch.of(event)) {
      OpenCl.require().run("clEnqueueBarrierWithWaitList", consumer.handle(), 1, one.address(0), 0);
    }
  }

  @Override
  public void await(Device device, Ready ready) {
    OpenCl cl = OpenCl.require();
    if (ready.event() != 0) {
      try (Scratch one = Scratch.of(ready.event())) {
        cl.run("clWaitForEvents", 1, one.address(0));
      }
    } else {
      cl.run("clFinish", queue(cl, device, ready));
    }
  }

  @Override
  public long record(Device device, Ready ready) {
    OpenCl cl = OpenCl.require();
    long queue = queue(cl, device, ready);
    try (Scratch out = Scratch.words(1)) {
      cl.run("clEnqueueMarkerWithWaitList", queue, 0, 0, out.address(0));
      long event = out.longAt(0);
      try {
        cl.run("clFlush", queue); // else another queue could wait for it for ever
      } catch (RuntimeException | Error e) {
        Closing.quietly(e, List.of(() -> destroy(device, event)));
        throw e;
      }
      return event;
    }
  }

  @Override
  public void destroy(Device device, long event) {
    OpenCl.require().run("clReleaseEvent", event);
  }

  @Override
  public Device deviceOf(long buffer) {
    OpenCl cl = OpenCl.require();
    long context = cl.info("clGetMemObjectInfo", buffer, MEM_CONTEXT);
    return cl.device(deviceOfContext(cl, context));
  }

  private static long deviceOfContext(OpenCl cl, long context) {
    try (Scratch ids = Scratch.words(MAX_DEVICES)) {
      cl.run("clGetContextInfo", context, CONTEXT_DEVICES, 8L * MAX_DEVICES, ids.address(0), 0);
      return ids.longAt(0);
    }
  }

  private static long queue(OpenCl cl, Device device, Ready ready) {
    return isQueue(ready.stream()) ? ready.stream().handle() : cl.own(device).queue();
  }

  private static boolean isQueue(Stream stream) {
    return stream.handle() > 2;
  }

  private static boolean isOpenCl(Memory memory) {
    return memory.device().type().equals(DeviceType.OPENCL);
  }

  /** One reference to a {@code cl_mem}. */
  private static final class Allocated extends Owner {
    private final OpenCl cl;
    private final long buffer;
    private final long bytes;

    Allocated(OpenCl cl, long buffer, long bytes) {
      this.cl = cl;
      this.buffer = buffer;
      this.bytes = bytes;
      NativeBytes.add(bytes);
    }

    @Override
    protected void free() {
      NativeBytes.add(-bytes);
      cl.run("clReleaseMemObject", buffer);
    }
  }
}
