package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.junit.jupiter.api.Test;

/** Flink finds its factories beside the one of this library, also where that cannot be loaded. */
class DiscoveryTest {
  private static final ClassLoader CLASSES = DiscoveryTest.class.getClassLoader();

  @Test
  void theServiceFileIsSeen() {
    assertThat(CLASSES.getResource("META-INF/services/org.apache.flink.table.factories.Factory"))
        .isNotNull();
  }

  @Test
  void flinksOwnConnectorsAreFound() {
    for (String connector : new String[] {"print", "blackhole"}) {
      assertThat(
              FactoryUtil.discoverFactory(CLASSES, DynamicTableSinkFactory.class, connector)
                  .factoryIdentifier())
          .isEqualTo(connector);
    }
  }

  /** Flink lists what it found, so a factory that it cannot load must not end the search. */
  @Test
  void aConnectorThatIsMissingIsReportedAsSuch() {
    assertThatThrownBy(
            () -> FactoryUtil.discoverFactory(CLASSES, DynamicTableSinkFactory.class, "nowhere"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("Could not find any factory for identifier 'nowhere'")
        .hasMessageContaining("blackhole");
  }

  @Test
  @SinceFlink(value = "2.1", feature = "ML_PREDICT")
  void theProviderIsFoundByItsName() {
    assertThat(
            FactoryUtil.discoverFactory(
                CLASSES, org.apache.flink.table.factories.ModelProviderFactory.class, "tensor"))
        .isInstanceOf(TensorModelFactory.class);
  }
}
