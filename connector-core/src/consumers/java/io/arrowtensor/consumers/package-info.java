/** Engines of other makers that read, write and own this library's arrays, and hand back theirs. */
package io.arrowtensor.consumers;
