@NullMarked
package io.arrowtensor.dlpack;

import org.jspecify.annotations.NullMarked;
