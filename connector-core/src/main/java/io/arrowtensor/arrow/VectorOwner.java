package io.arrowtensor.arrow;

import io.arrowtensor.internal.Owner;
import org.apache.arrow.vector.FieldVector;

/** A vector that was given away: emptied once what it held has been retained. */
final class VectorOwner extends Owner {
  private final FieldVector vector;

  VectorOwner(FieldVector vector) {
    this.vector = vector;
  }

  @Override
  protected void free() {
    vector.clear();
  }
}
