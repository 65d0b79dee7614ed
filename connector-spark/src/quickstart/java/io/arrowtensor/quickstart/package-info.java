/** The README's first command: scores a Parquet table with an ONNX model in local Spark. */
@NullMarked
package io.arrowtensor.quickstart;

import org.jspecify.annotations.NullMarked;
