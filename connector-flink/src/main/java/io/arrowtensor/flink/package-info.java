/** Flink streams scored in batches, with the same functions as Spark tables. */
@NullMarked
package io.arrowtensor.flink;

import org.jspecify.annotations.NullMarked;
