package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.Model;
import java.util.Random;

/** A row with the columns of both models. */
public final class Flight {
  private static final int PREPARED = 1024;

  public long delay;
  public long distance;
  public float a;
  public float b;

  /** For Flink. */
  public Flight() {}

  /** Rows that a job emits in turn. */
  static Flight[] prepared() {
    Random random = new Random(1);
    Flight[] rows = new Flight[PREPARED];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = new Flight();
      rows[i].delay = random.nextInt(-20, 180);
      rows[i].distance = random.nextInt(100, 2500);
      rows[i].a = rows[i].delay;
      rows[i].b = rows[i].distance;
    }
    return rows;
  }

  /** The first argument of {@code model}. */
  Number first(Model model) {
    return model == Model.ADD ? (Number) a : (Number) delay;
  }

  /** The second argument of {@code model}. */
  Number second(Model model) {
    return model == Model.ADD ? (Number) b : (Number) distance;
  }
}
