/** Python's array protocols, by address and as JSON, as device-tagged arrays, and back. */
@NullMarked
package io.arrowtensor.python;

import org.jspecify.annotations.NullMarked;
