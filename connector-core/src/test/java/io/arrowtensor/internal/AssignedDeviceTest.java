package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Device;
import java.util.List;
import org.junit.jupiter.api.Test;

class AssignedDeviceTest {
  @Test
  void theFirstNumberIsTheDevice() {
    assertThat(AssignedDevice.of(List.of("GPU-3a1b", "2", "0"))).isEqualTo(Device.cuda(2));
  }

  @Test
  void whatIsNoNumberIsNoDevice() {
    for (String index : List.of("", "-1", "99999", "1.0", "GPU-3a1b", " 1")) {
      assertThat(AssignedDevice.of(List.of(index))).as(index).isEqualTo(Device.CPU);
    }
    assertThat(AssignedDevice.of(List.of())).isEqualTo(Device.CPU);
  }
}
