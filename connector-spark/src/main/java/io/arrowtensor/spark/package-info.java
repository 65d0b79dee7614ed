/** Spark columns as device-tagged arrays, and the results as a DataFrame. */
@NullMarked
package io.arrowtensor.spark;

import org.jspecify.annotations.NullMarked;
