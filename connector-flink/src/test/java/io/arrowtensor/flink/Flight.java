package io.arrowtensor.flink;

/** A flight with the columns of the repository's models. */
public class Flight {
  public long id;
  public long delay;
  public Long distance;

  public Flight() {}

  Flight(long delay, Long distance) {
    this.delay = delay;
    this.distance = distance;
  }
}
