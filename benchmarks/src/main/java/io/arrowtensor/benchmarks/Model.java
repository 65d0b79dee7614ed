package io.arrowtensor.benchmarks;

import ai.onnxruntime.OnnxJavaType;

/** A model with two inputs, named as the table's columns, and one float32 result. */
public enum Model {
  /** One addition: what takes time is the way of the columns. */
  ADD("connector-core/src/test/resources/onnx/add.onnx", "a", "b", OnnxJavaType.FLOAT),
  /** 60 trees of depth 3. */
  TREES(
      "connector-spark/src/quickstart/model/delay_carryover.onnx",
      "delay",
      "distance",
      OnnxJavaType.INT64);

  /** From the repository's root. */
  public final String file;

  /** The first column. */
  public final String first;

  /** The second. */
  public final String second;

  /** Of both columns. */
  final OnnxJavaType type;

  Model(String file, String first, String second, OnnxJavaType type) {
    this.file = file;
    this.first = first;
    this.second = second;
    this.type = type;
  }
}
