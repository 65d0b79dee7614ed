/** JMH benchmarks and whole-job comparisons. */
@NullMarked
package io.arrowtensor.benchmarks;

import org.jspecify.annotations.NullMarked;
