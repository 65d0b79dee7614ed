package io.arrowtensor.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * A two-phase sink: ids become visible when the checkpoint that holds them is complete. Committing
 * again what was committed changes nothing, as Flink asks of every committer.
 *
 * @param run names the set of committed ids in this JVM
 */
record CommittedSink(String run) implements Sink<Scored>, SupportsCommitter<CommittedSink.Ids> {
  private static final Map<String, Map<UUID, long[]>> COMMITTED = new ConcurrentHashMap<>();

  /** What one writer got between two checkpoints. */
  record Ids(UUID transaction, List<Long> ids) {}

  /** The ids that the run has committed, sorted, each as often as it was committed. */
  static long[] committed(String run) {
    return COMMITTED.getOrDefault(run, Map.of()).values().stream()
        .flatMapToLong(Arrays::stream)
        .sorted()
        .toArray();
  }

  @Override
  public CommittingSinkWriter<Scored, Ids> createWriter(WriterInitContext context) {
    return new Writer();
  }

  @Override
  public Committer<Ids> createCommitter(CommitterInitContext context) {
    return new Publishing(run);
  }

  @Override
  public SimpleVersionedSerializer<Ids> getCommittableSerializer() {
    return new IdsSerializer();
  }

  private static final class Writer implements CommittingSinkWriter<Scored, Ids> {
    private final List<Long> ids = new ArrayList<>();

    @Override
    public void write(Scored scored, Context context) throws IOException {
      if (scored.sum != 3.0 * scored.id) {
        throw new IOException("wrong result " + scored.sum + " of " + scored.id);
      }
      ids.add(scored.id);
    }

    @Override
    public void flush(boolean endOfInput) {}

    @Override
    public Collection<Ids> prepareCommit() {
      Ids prepared = new Ids(UUID.randomUUID(), List.copyOf(ids));
      ids.clear();
      return List.of(prepared);
    }

    @Override
    public void close() {}
  }

  private record Publishing(String run) implements Committer<Ids> {
    @Override
    public void commit(Collection<CommitRequest<Ids>> requests) {
      Map<UUID, long[]> committed =
          COMMITTED.computeIfAbsent(run, name -> new ConcurrentHashMap<>());
      for (CommitRequest<Ids> request : requests) {
        Ids ids = request.getCommittable();
        committed.putIfAbsent(
            ids.transaction(), ids.ids().stream().mapToLong(Long::longValue).toArray());
      }
    }

    @Override
    public void close() {}
  }

  private static final class IdsSerializer implements SimpleVersionedSerializer<Ids> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Ids ids) {
      ByteBuffer bytes = ByteBuffer.allocate(16 + 8 * ids.ids().size());
      bytes.putLong(ids.transaction().getMostSignificantBits());
      bytes.putLong(ids.transaction().getLeastSignificantBits());
      ids.ids().forEach(bytes::putLong);
      return bytes.array();
    }

    @Override
    public Ids deserialize(int version, byte[] serialized) {
      ByteBuffer bytes = ByteBuffer.wrap(serialized);
      UUID transaction = new UUID(bytes.getLong(), bytes.getLong());
      List<Long> ids = new ArrayList<>();
      while (bytes.hasRemaining()) {
        ids.add(bytes.getLong());
      }
      return new Ids(transaction, ids);
    }
  }
}
