/**
 * Devices other than the host, through their vendors' libraries, and host memory that processes
 * share.
 */
@NullMarked
package io.arrowtensor.device;

import org.jspecify.annotations.NullMarked;
