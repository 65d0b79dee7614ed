package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.fs.FSDataInputStream;
import org.junit.jupiter.api.Test;

/** How much a file is asked for, which is a request each time where it is far away. */
class PageInputTest {
  private static final int STEP = 1000;

  /** A file whose byte {@code i} is {@code i}. */
  private static final class Asked extends FSDataInputStream {
    private final List<Integer> lengths = new ArrayList<>();
    private long position;

    @Override
    public void seek(long to) {
      position = to;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public int read() {
      throw new AssertionError("a byte at a time");
    }

    @Override
    public int read(byte[] target, int start, int bytes) {
      lengths.add(bytes);
      for (int i = 0; i < bytes; i++) {
        target[start + i] = (byte) position++;
      }
      return bytes;
    }
  }

  private final Asked file = new Asked();

  private void take(PageInput input, int... pages) throws IOException {
    for (int bytes : pages) {
      Span page = input.take(bytes);
      assertThat(page).isNotNull();
      assertThat(page.length()).isEqualTo(bytes);
      for (int i = 1; i < bytes; i++) {
        byte before = page.array()[page.from() + i - 1];
        assertThat(page.array()[page.from() + i]).isEqualTo((byte) (before + 1));
      }
    }
  }

  @Test
  void aFarFileIsAskedForWholeSteps() throws IOException {
    PageInput input = new PageInput(file, STEP, STEP);
    input.open(0, 2500, 0);
    take(input, 300, 300, 300, 300, 300, 300, 300, 300);
    assertThat(file.lengths).containsExactly(1000, 900, 600);
  }

  @Test
  void aNearFileIsAskedForLessAtOnce() throws IOException {
    PageInput input = new PageInput(file, STEP, 400);
    input.open(0, 1000, 0);
    take(input, 1000);
    assertThat(file.lengths).containsExactly(400, 400, 200);
  }

  @Test
  void behindAPageLargerThanAStepWholeStepsAreRead() throws IOException {
    PageInput input = new PageInput(file, STEP, Integer.MAX_VALUE);
    input.open(0, 10_000, 0);
    take(input, 2500, 900, 900, 900, 900, 900);
    assertThat(file.lengths.subList(0, file.lengths.size() - 1)).allMatch(asked -> asked >= 900);
  }
}
