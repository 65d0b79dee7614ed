package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.ColumnSource;

/**
 * A borrowed array that may have a mask, as a source: of one array with {@code DeviceArray.from},
 * where nulls are refused or filled as {@code Options.nulls()} asks, or of values with their
 * validity with {@code DeviceColumn.from}. Used once when it was borrowed with an owner.
 */
public sealed interface MaskedSource extends ArraySource, ColumnSource permits InterfaceSource {}
