package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every connector refuses before a job starts. */
class FunctionChecksTest {
  private static final Column X = Column.scalar("x", DType.FLOAT32);

  @Test
  void resultsThatMakeNoRowAreRefused() {
    assertThatThrownBy(() -> FunctionChecks.requireRow(new BatchSchema(List.of())))
        .isInstanceOf(InterchangeException.class)
        .hasMessage("Invalid result schema: no columns; return at least one");
    assertThatThrownBy(() -> FunctionChecks.requireRow(BatchSchema.of(X, X)))
        .isInstanceOf(InterchangeException.class)
        .hasMessage("Invalid result schema: two columns are called 'x'; rename one");
  }

  @Test
  void resultsWithNamesOfTheirOwnMakeARow() {
    assertThatCode(
            () -> FunctionChecks.requireRow(BatchSchema.of(X, Column.scalar("y", DType.INT64))))
        .doesNotThrowAnyException();
  }
}
