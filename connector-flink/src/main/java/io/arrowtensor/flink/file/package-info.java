/** Files of whole batches: Arrow IPC in and out, Parquet in. */
@NullMarked
package io.arrowtensor.flink.file;

import org.jspecify.annotations.NullMarked;
