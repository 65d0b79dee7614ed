package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.Options;
import java.io.Serializable;

/**
 * A function under the name that queries and errors use for it.
 *
 * @param name as written in SQL
 * @param function what to run
 * @param options how its arguments are converted
 */
record TensorFunction(String name, BatchFunction function, Options options)
    implements Serializable {}
