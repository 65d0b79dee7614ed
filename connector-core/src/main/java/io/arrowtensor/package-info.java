@NullMarked
package io.arrowtensor;

import org.jspecify.annotations.NullMarked;
