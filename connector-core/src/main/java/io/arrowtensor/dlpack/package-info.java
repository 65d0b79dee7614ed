/** DLPack structs as device-tagged arrays, and back. */
@NullMarked
package io.arrowtensor.dlpack;

import org.jspecify.annotations.NullMarked;
