package io.arrowtensor.spark;

import org.apache.spark.sql.execution.FileSourceScanLike;
import org.apache.spark.sql.execution.FilterExec;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.RowToColumnarTransition;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.WholeStageCodegenExec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells why rows are transposed into columns below a call, which copies every column. */
final class Transposition {
  private static final Logger LOG = LoggerFactory.getLogger(Transposition.class);

  private Transposition() {}

  /** The reason, empty when {@code child} gives columns of its own. */
  static String of(SparkPlan child) {
    if (!(child instanceof RowToColumnarTransition)) {
      return "";
    }
    SparkPlan rows = child.children().head();
    while (rows instanceof WholeStageCodegenExec || rows.nodeName().equals("InputAdapter")) {
      rows = rows.children().head();
    }
    if (rows instanceof FileSourceScanLike) {
      return "the scan of "
          + rows.output().size()
          + " columns gives rows; set spark.sql.codegen.maxFields above the number of columns and leave"
          + " spark.sql.codegen.wholeStage on";
    }
    if (rows instanceof FilterExec || rows instanceof ProjectExec) {
      return rows.nodeName() + " works on rows";
    }
    return rows.nodeName() + " gives rows";
  }

  static void warn(MapTensorsExec map) {
    String reason = of(map.child());
    if (!reason.isEmpty()) {
      LOG.warn("{}: rows are transposed into columns first: {}", map.call(), reason);
    }
  }
}
