package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.InvalidStructException;
import java.util.Arrays;

/** What holds for any metadata of a tensor: it is refused with its text, or says what fits. */
final class TensorMetadataText {
  private TensorMetadataText() {}

  /** Returns whether {@code json} was read. */
  static boolean check(String json, int listSize) {
    TensorMetadata read;
    try {
      read = TensorMetadata.parse(json, listSize);
    } catch (InvalidStructException e) {
      assertThat(e).hasMessageStartingWith("Invalid metadata of arrow.fixed_shape_tensor: ");
      return false;
    }
    int ndim = read.shape().length;
    assertThat(Arrays.stream(read.shape()).reduce(1, (a, b) -> a * b)).isEqualTo(listSize);
    assertThat(Arrays.stream(read.shape())).allMatch(dim -> dim >= 0);
    assertThat(read.permutation().clone()).hasSize(ndim).doesNotHaveDuplicates();
    assertThat(Arrays.stream(read.permutation())).allMatch(axis -> axis >= 0 && axis < ndim);
    assertThat(read.dimNames().isEmpty() || read.dimNames().size() == ndim).isTrue();
    String written = TensorMetadata.write(read.shape(), read.permutation(), read.dimNames());
    TensorMetadata again = TensorMetadata.parse(written, listSize);
    assertThat(again.shape()).isEqualTo(read.shape());
    assertThat(again.permutation()).isEqualTo(read.permutation());
    assertThat(again.dimNames()).isEqualTo(read.dimNames());
    return true;
  }
}
