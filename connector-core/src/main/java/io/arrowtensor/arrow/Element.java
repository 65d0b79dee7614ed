package io.arrowtensor.arrow;

import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * What tells the type of an element.
 *
 * @param type the type in which the memory is laid out
 * @param extension name of the extension type, null for plain types
 * @param metadata the extension's serialized metadata
 * @param label the column as errors name it
 */
record Element(ArrowType type, @Nullable String extension, String metadata, String label) {

  static Element of(ArrowNode node) {
    return new Element(
        node.storageType(), node.extensionName(), node.extensionMetadata(), node.label());
  }

  /** Of a field without its data. */
  static Element of(Field field) {
    if (field.getType() instanceof ArrowType.ExtensionType type) {
      return new Element(type.storageType(), type.extensionName(), type.serialize(), label(field));
    }
    String extension = field.getMetadata().get(ArrowNode.EXTENSION_NAME);
    String metadata = field.getMetadata().getOrDefault(ArrowNode.EXTENSION_METADATA, "");
    return new Element(field.getType(), extension, metadata, label(field));
  }

  private static String label(Field field) {
    return "field '" + field.getName() + "'";
  }
}
