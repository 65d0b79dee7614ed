package io.arrowtensor;

/**
 * When memory on a device may be read: at once, after an event of the device's API, or after all
 * work that a stream had been given when the memory was handed over.
 *
 * <p>Neither handle is owned here: whoever made the event or stream keeps it for as long as the
 * memory's owner lives. Memory that the host can reach is always ready: it is waited for when an
 * array is made of it.
 *
 * @param event the event's handle ({@code CUevent}, {@code cl_event}; what the pointer {@code
 *     sync_event} of an {@code ArrowDeviceArray} points at), 0 for none
 * @param stream the stream ({@code CUstream}, {@code cl_command_queue}), {@link Stream#NONE} for
 *     none
 */
public record Ready(long event, Stream stream) {
  /** Nothing to wait for. */
  public static final Ready NOW = new Ready(0, Stream.NONE);

  /** Checks that there is one thing to wait for at most. */
  public Ready {
    if (stream.equals(Stream.NO_SYNC) || (event != 0 && !stream.equals(Stream.NONE))) {
      throw new IllegalArgumentException(
          "Invalid readiness: event 0x"
              + Long.toHexString(event)
              + " and stream "
              + stream
              + "; name an event or a stream that has the pending work");
    }
  }

  /** Ready once {@code event} has happened; at once for 0. */
  public static Ready afterEvent(long event) {
    return event == 0 ? NOW : new Ready(event, Stream.NONE);
  }

  /** Ready after the work that {@code stream} has been given; at once for {@link Stream#NONE}. */
  public static Ready afterStream(Stream stream) {
    return stream.equals(Stream.NONE) ? NOW : new Ready(0, stream);
  }

  /** Whether there is nothing to wait for. */
  public boolean isNow() {
    return event == 0 && stream.equals(Stream.NONE);
  }

  /** {@code now}, {@code after event 0x7f00}, {@code after stream default}. */
  @Override
  public String toString() {
    if (isNow()) {
      return "now";
    }
    return event != 0 ? "after event 0x" + Long.toHexString(event) : "after stream " + stream;
  }
}
