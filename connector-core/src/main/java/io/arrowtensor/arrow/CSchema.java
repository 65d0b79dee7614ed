package io.arrowtensor.arrow;

import java.util.List;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * What an {@code ArrowSchema} struct says.
 *
 * @param field name, type, nullability and metadata; of indices into a dictionary the type of the
 *     indices
 * @param children child schemas
 * @param dictionary schema of the dictionary's values, null when the values are no indices
 */
record CSchema(Field field, List<CSchema> children, @Nullable CSchema dictionary) {}
