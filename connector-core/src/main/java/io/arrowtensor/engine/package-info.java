/** Adapters to tensor engines; each engine is an optional dependency. */
@NullMarked
package io.arrowtensor.engine;

import org.jspecify.annotations.NullMarked;
