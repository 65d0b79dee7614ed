package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Flink's MiniCluster for the jobs of one test class: two task managers of two slots. */
public final class Cluster implements BeforeAllCallback, AfterAllCallback {
  private final Configuration configuration;
  private MiniCluster cluster;

  public Cluster() {
    this(new Configuration());
  }

  /** A cluster with settings of its own. */
  Cluster(Configuration configuration) {
    this.configuration = configuration;
  }

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(2)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    cluster.close();
  }

  /**
   * Whether barriers overtake rows. They do after a moment only: the trigger of a checkpoint that
   * is unaligned at once overtakes splits on their way to a source (in the task's mailbox, Flink
   * 2.1 to 2.3), whose snapshot then lacks what its coordinator has given away.
   */
  public static void unaligned(Configuration configuration, boolean unaligned) {
    configuration.set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned);
    configuration.set(CheckpointingOptions.ALIGNED_CHECKPOINT_TIMEOUT, Duration.ofMillis(1));
  }

  /** Where Flink's REST interface answers. */
  String restAddress() {
    return cluster.getRestAddress().join().toString();
  }

  /** A job that runs. */
  public final class Job {
    private final JobID id;

    private Job(JobID id) {
      this.id = id;
    }

    JobID id() {
      return id;
    }

    /** Waits for the end, which is to be {@code expected}. */
    public void awaitEnd(JobStatus expected) throws Exception {
      JobResult result = cluster.requestJobResult(id).get();
      assertThat(result.getSerializedThrowable()).as("failure").isEmpty();
      assertThat(cluster.getJobStatus(id).get()).as("status").isEqualTo(expected);
    }

    /** Ends the job with a savepoint, and tells where that is. */
    String stop(boolean drain, String folder, SavepointFormatType format) throws Exception {
      return cluster.stopWithSavepoint(id, folder, drain, format).get();
    }

    void cancel() throws Exception {
      cluster.cancelJob(id).get();
      await("the job is cancelled", () -> cluster.getJobStatus(id).join() == JobStatus.CANCELED);
    }
  }

  public Job start(StreamExecutionEnvironment environment) throws Exception {
    return new Job(cluster.submitJob(environment.getStreamGraph().getJobGraph()).get().getJobID());
  }

  /** Waits a bounded time. */
  public static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting until %s", what).isLessThan(deadline);
      LockSupport.parkNanos(1_000_000);
    }
  }
}
