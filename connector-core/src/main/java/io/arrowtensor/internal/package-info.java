/** ABI offsets, raw memory and the native library; not for use outside this library. */
@NullMarked
package io.arrowtensor.internal;

import org.jspecify.annotations.NullMarked;
