/** Arrow vectors and the Arrow C structs as device-tagged arrays, and back. */
@NullMarked
package io.arrowtensor.arrow;

import org.jspecify.annotations.NullMarked;
