/** Whole jobs on Flink, through this library and as one writes them without. */
@NullMarked
package io.arrowtensor.benchmarks.flink;

import org.jspecify.annotations.NullMarked;
