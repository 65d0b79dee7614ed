package io.arrowtensor.flink;

/** A POJO as Flink understands it. */
public class Event {
  public long id;
  public float a;
  public double b;

  public Event() {}

  Event(long id, float a, double b) {
    this.id = id;
    this.a = a;
    this.b = b;
  }

  /** The event of an id; what its columns add up to is {@code 3 * id}. */
  static Event of(long id) {
    return new Event(id, id % 1000, 3.0 * id - id % 1000);
  }

  @Override
  public String toString() {
    return "Event " + id;
  }
}
