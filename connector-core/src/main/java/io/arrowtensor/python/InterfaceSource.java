package io.arrowtensor.python;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A described array with its mask, under the caller's policy for nulls. */
final class InterfaceSource implements MaskedSource {
  private final Supplier<CudaArrayInterface> description;
  private final Device device;
  private final Loan loan;

  InterfaceSource(
      Supplier<CudaArrayInterface> description, Device device, @Nullable Runnable release) {
    this.description = description;
    this.device = device;
    this.loan = new Loan(release);
  }

  @Override
  public Memory open(Options options) {
    return loan.use(
        () -> {
          CudaArrayInterface array = description.get();
          Memory values = memory(array, options);
          try (Mask mask = Mask.of(array.description().mask(), values, options)) {
            if (mask != null && options.nulls().masks()) {
              throw new NullsException(
                  "Cannot hand out the array as one array with "
                      + options.nulls()
                      + ": the mask is an array of its own; use DeviceColumn.from");
            }
            return mask == null ? lent(values) : present(values, mask, options);
          }
        });
  }

  @Override
  public DeviceColumn openColumn(Options options) {
    return loan.use(
        () -> {
          CudaArrayInterface array = description.get();
          Memory values = memory(array, options);
          try (Mask mask = Mask.of(array.description().mask(), values, options)) {
            return column(values, mask, options);
          }
        });
  }

  private DeviceColumn column(Memory values, @Nullable Mask mask, Options options) {
    List<DeviceArray> made = new ArrayList<>();
    try {
      Memory memory = mask == null ? lent(values) : present(values, mask, options);
      made.add(DeviceArray.from(memory, options));
      DeviceColumn column = DeviceColumn.of("", made.get(0));
      if (mask == null || !options.nulls().masks()) {
        return column;
      }
      made.add(DeviceArray.from(mask.validity(loan), options));
      return column.withValidity(made.get(1));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, made);
      throw e;
    }
  }

  /** The values alone, without an owner; ready where the host can read them. */
  private Memory memory(CudaArrayInterface said, Options options) {
    ArrayInterface array = said.description();
    DType dtype = array.type().dtype(options.storage());
    long[] shape = array.shape();
    long[] strides = array.strides();
    Memory memory =
        Memory.borrow(array.address(), dtype, shape)
            .withReadOnly(array.isReadOnly())
            .withDevice(device)
            .withReady(Ready.afterStream(said.stream()));
    Memory placed =
        strides == null
            ? memory
            : memory.withStrides(ByteStrides.toElements(shape, strides, dtype.itemSize()));
    placed.checked();
    return device.type().isHostAccessible() ? Backends.awaited(placed) : placed;
  }

  private Memory lent(Memory values) {
    return values.withOwner(loan.reference());
  }

  /** The values of an array that has nulls: filled, left to the mask, or refused. */
  private Memory present(Memory values, Mask mask, Options options) {
    Nulls policy = options.nulls();
    if (policy.fills()) {
      return filled(values, mask, options);
    }
    if (!policy.masks()) {
      throw new NullsException(
          "Cannot hand out the array with nulls: row "
              + mask.firstNullRow()
              + " is the first; choose Options.withNulls(Nulls.fill(value)), or Nulls.MASK with"
              + " DeviceColumn.from");
    }
    return lent(values);
  }

  private static Memory filled(Memory values, Mask mask, Options options) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share an array with nulls to fill: a copy is needed ("
              + CopyReason.NULL_FILL
              + ") and Copy.NEVER forbids it; allow it with Options.withCopy(Copy.IF_NEEDED)");
    }
    Memory copy = BulkCopy.rowMajor(values, options, CopyReason.NULL_FILL);
    try {
      mask.fill(copy, options.nulls());
      return copy;
    } catch (RuntimeException | Error e) {
      copy.release();
      throw e;
    }
  }
}
