@NullMarked
package io.arrowtensor.engine;

import org.jspecify.annotations.NullMarked;
