package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchSource;
import io.arrowtensor.ColumnSource;

/**
 * Arrow data as a source: of one array with {@code DeviceArray.from}, of a column with nulls,
 * offsets or a dictionary with {@code DeviceColumn.from}, of a batch with {@code DeviceBatch.from}
 * when its type is a struct. Used once.
 */
public sealed interface ArrowSource extends ArraySource, ColumnSource, BatchSource
    permits NodeSource {}
