package io.arrowtensor.spark;

import org.apache.spark.sql.classic.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/** The sessions that can plan tensor calls: those inside the driver. */
final class Sessions {
  private Sessions() {}

  /** The session that analyses the query at hand. */
  static SparkSession active() {
    return classic(org.apache.spark.sql.SparkSession.active());
  }

  /**
   * {@code session} as the driver's own.
   *
   * <p>Throws Spark's AnalysisException for a remote session, and for one that started before this
   * library was on its class path.
   */
  static SparkSession classic(org.apache.spark.sql.SparkSession session) {
    if (!(session instanceof SparkSession classic)) {
      throw Refusals.analysis(
          "Cannot use tensor functions through "
              + session.getClass().getName()
              + ": it plans elsewhere; call onnx_predict in SQL, with this library on the server's class"
              + " path");
    }
    boolean plans =
        CollectionConverters.asJava(classic.sessionState().planner().strategies()).stream()
            .anyMatch(strategy -> strategy instanceof MapTensorsStrategy);
    if (!plans) {
      throw Refusals.analysis(
          "Cannot use tensor functions in this session: it started without this library; put the"
              + " library on the driver's class path (--jars or --packages) before the session starts");
    }
    return classic;
  }
}
