package io.arrowtensor.flink;

/** What the tests' jobs make of an {@link Event}. */
public class Scored {
  public long id;
  public double sum;

  public Scored() {}

  Scored(long id, double sum) {
    this.id = id;
    this.sum = sum;
  }
}
