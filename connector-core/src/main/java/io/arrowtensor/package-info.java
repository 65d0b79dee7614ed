/** Device-tagged arrays: the words of the interchange and the function that users write. */
@NullMarked
package io.arrowtensor;

import org.jspecify.annotations.NullMarked;
