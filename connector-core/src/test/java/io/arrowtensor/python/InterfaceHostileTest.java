package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Text that is no array interface, and interfaces that contradict themselves. */
@ExtendWith(NoLeaks.class)
class InterfaceHostileTest {
  private static final String SOUND =
      "{\"data\":[4096,false],\"shape\":[2,3],\"strides\":[12,4],\"typestr\":\"<f4\",\"version\":3}";

  @Test
  void theSoundOneIsRead() {
    DeviceArray.from(ArrayInterface.borrow(SOUND)).close();
    assertThat(ArrayInterface.parse(SOUND).toJson()).isEqualTo(SOUND);
  }

  @ParameterizedTest(name = "{0} -> {1}")
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "4096,false; 4096; 'data' must be an address and whether it is read-only",
        "4096,false; 4096,0; 'data' must be an address",
        "4096,false; 4096,false,1; 'data' must be an address",
        "4096,false; \"4096\",false; 'data' must hold integers of 64 bits",
        "4096,false; 4096.0,false; 'data' must hold integers of 64 bits",
        "4096,false; 1e3,false; 'data' must hold integers of 64 bits",
        "4096,false; 18446744073709551615,false; 'data' must hold integers of 64 bits",
        "4096,false; null,false; 'data' must hold integers of 64 bits",
        "4096,false; -4096,false; would reach beyond the address space",
        "4096,false; 9223372036854775807,false; would reach beyond the address space",
        "4096,false; 0,false; null for an array of 24 bytes",
        "[2,3]; 6; 'shape' must be an array of at most 64 integers",
        "[2,3]; null; 'shape' must be an array",
        "[2,3]; [2,-3]; dimensions must not be negative",
        "[2,3]; [2,3.0]; 'shape' must hold integers",
        "[2,3]; [2,true]; 'shape' must hold integers",
        "[2,3]; [2,[3]]; 'shape' must hold integers",
        "[2,3]; [2]; Invalid strides: 2 of them for 1 dimensions",
        "[2,3]; [4294967296,4294967296]; the number of elements overflows 64 bits",
        "[2,3]; [9223372036854775807,1]; overflows 64 bits",
        "[12,4]; {}; 'strides' must be an array",
        "[12,4]; [12]; Invalid strides: 1 of them for 2 dimensions",
        "[12,4]; [13,4]; stride 13 is no multiple of the element's 4 bytes",
        "[12,4]; [-9223372036854775808,4]; the extent overflows 64 bits",
        "[12,4]; [-8192,4]; would reach beyond the address space",
        "\"<f4\"; null; 'typestr' must be a string",
        "\"<f4\"; 4; 'typestr' must be a string",
        "\"<f4\"; \"\"; Invalid typestr ''",
        "\"<f4\"; \"f4\"; Invalid typestr 'f4': expected byte order, kind and bytes, like '<f4'",
        "\"<f4\"; \"=f4\"; Invalid typestr '=f4'",
        "\"<f4\"; \"<f99999999999\"; Invalid typestr",
        "\"<f4\"; \"<f4,<i4\"; Invalid typestr",
        "\"<f4\"; \"|f4\"; elements of more than one byte need a byte order, like '<f4'",
        "\"<f4\"; \">f4\"; their bytes are not in this machine's order",
        "\"<f4\"; \"<f3\"; '<f3': they are of a kind or size that this library does not know",
        "\"<f4\"; \"<t1\"; they are bits, which only a mask may have",
        ":3}; :4}; Cannot read version 4 of the array interface: expected 1 to 3",
        ":3}; :0}; Cannot read version 0",
        ":3}; :-1}; Cannot read version -1",
        ":3}; :3.0}; 'version' must be an integer",
        ":3}; :99999999999}; 'version' must be an integer",
        ":3}; :3,\"version\":3}; it is no JSON",
        ":3}; :3,\"mask\":[]}; 'mask' must be an object",
        ":3}; :3,\"mask\":{}}; 'version' must be an integer",
        ":3}; :3}}; it is no JSON",
        ":3}; :3; it is no JSON"
      })
  void contradictionsAreRefusedAndReleased(String sound, String hostile, String message) {
    String json = SOUND.replace(sound, hostile);
    assertThat(json).isNotEqualTo(SOUND);
    AtomicInteger released = new AtomicInteger();
    assertThatThrownBy(
            () -> DeviceArray.from(ArrayInterface.borrow(json, released::incrementAndGet)))
        .isInstanceOfAny(InvalidStructException.class, UnsupportedTypeException.class)
        .hasMessageContaining(message);
    assertThat(released).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"data", "shape", "typestr", "version"})
  void requiredKeysAreRequired(String key) {
    String json = SOUND.replace("\"" + key + "\"", "\"other\"");
    assertThatThrownBy(() -> ArrayInterface.parse(json))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith("Invalid array interface: '" + key + "' must ")
        .hasMessageEndingWith(json);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "null", "[]", "3", "\"{}\"", "{", "[{}]", "NaN"})
  void otherTextIsRefused(String text) {
    assertThatThrownBy(() -> ArrayInterface.parse(text))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith("Invalid array interface: it is no ");
  }

  @Test
  void aMaskHasNoMask() {
    String mask = SOUND.replace("}", ",\"mask\":" + SOUND + "}");
    String json = SOUND.replace("}", ",\"mask\":" + mask + "}");
    assertThatThrownBy(() -> ArrayInterface.parse(json))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("the mask has a mask itself");
    ArrayInterface masked = ArrayInterface.parse(mask);
    assertThatThrownBy(() -> masked.withMask(masked))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage("Invalid mask: it has a mask itself");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"mask\":", "{\"descr\":["})
  void deepNestingIsRefusedLikeAnyOtherText(String opening) {
    for (int depth : new int[] {999, 5_000, 100_000}) {
      assertThatThrownBy(() -> ArrayInterface.parse(opening.repeat(depth)))
          .isInstanceOf(InvalidStructException.class)
          .hasMessageStartingWith("Invalid array interface: it ")
          .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(1000));
    }
  }

  @Test
  void longNumbersAreRefused() {
    String json = SOUND.replace("4096", "9".repeat(60_000));
    assertThatThrownBy(() -> ArrayInterface.parse(json)).isInstanceOf(InvalidStructException.class);
  }

  @Test
  void aSourceWithAnOwnerIsUsedOnce() {
    AtomicInteger released = new AtomicInteger();
    MaskedSource source = ArrayInterface.borrow(SOUND, released::incrementAndGet);
    try (DeviceArray array = DeviceArray.from(source)) {
      assertThat(array.address()).isEqualTo(4096);
      assertThatThrownBy(() -> DeviceArray.from(source))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "Cannot use a borrowed source again: it has an owner to release once; borrow again");
      assertThat(released).hasValue(0);
    }
    assertThat(released).hasValue(1);
    MaskedSource unowned = ArrayInterface.borrow(ArrayInterface.parse(SOUND));
    DeviceArray.from(unowned).close();
    DeviceArray.from(unowned).close();
  }

  @Test
  void anOwnerThatFailsIsReportedBehindTheRefusal() {
    Runnable failing =
        () -> {
          throw new IllegalStateException("cannot release");
        };
    assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow("{}", failing)))
        .isInstanceOf(InterchangeException.class)
        .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessage("cannot release"));
  }
}
