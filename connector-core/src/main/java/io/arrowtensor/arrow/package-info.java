@NullMarked
package io.arrowtensor.arrow;

import org.jspecify.annotations.NullMarked;
