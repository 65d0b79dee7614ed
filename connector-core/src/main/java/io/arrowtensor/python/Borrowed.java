package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Memory that a struct describes and a lender keeps alive. */
final class Borrowed implements ArraySource {
  private final Function<Options, Memory> read;
  private final Loan loan;

  /** {@code read} returns memory without an owner. */
  Borrowed(Function<Options, Memory> read, @Nullable Runnable release) {
    this.read = read;
    this.loan = new Loan(release);
  }

  @Override
  public Memory open(Options options) {
    return loan.use(() -> read.apply(options).checked().withOwner(loan.reference()));
  }
}
