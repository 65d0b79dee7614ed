@NullMarked
package io.arrowtensor.internal;

import org.jspecify.annotations.NullMarked;
