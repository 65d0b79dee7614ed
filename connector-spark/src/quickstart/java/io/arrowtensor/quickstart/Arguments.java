package io.arrowtensor.quickstart;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What to score with what. Set by system properties, each with a default; relative paths count from
 * the folder in which Maven was started.
 *
 * @param input a Parquet file or a folder of them ({@code -Dinput})
 * @param model an ONNX file ({@code -Dmodel})
 * @param columns the model's arguments ({@code -Dcolumns=a,b}); by default the columns called as
 *     the model's inputs
 * @param output the folder for the scored table ({@code -Doutput}), overwritten
 */
record Arguments(Path input, Path model, List<String> columns, Path output) {

  /** Reads the properties and checks what can be checked without reading the table. */
  static Arguments read() {
    Path home = Path.of(System.getProperty("quickstart.home"));
    Path input = path("input", home.resolve("data/flights.parquet"));
    Path model = path("model", home.resolve("model/delay_carryover.onnx"));
    Path output = path("output", Path.of(System.getProperty("quickstart.target"), "quickstart"));
    requireParquet(input);
    List<String> inputs = inputs(model);
    String columns = System.getProperty("columns", "").strip();
    return new Arguments(input, model, columns.isEmpty() ? inputs : split(columns), output);
  }

  private static Path path(String property, Path otherwise) {
    String value = System.getProperty(property, "");
    return (value.isEmpty() ? otherwise : Path.of(value)).toAbsolutePath().normalize();
  }

  private static List<String> split(String columns) {
    return Stream.of(columns.split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }

  private static void requireParquet(Path input) {
    if (!Files.exists(input)) {
      throw new UserError(
          "Cannot find the table " + input + ": pass a Parquet file or folder with -Dinput=PATH.");
    }
    for (Path file : parquetFiles(input)) {
      if (!isParquet(file)) {
        throw new UserError(
            "Cannot read " + file + ": it is no Parquet file; pass one with -Dinput=PATH.");
      }
    }
  }

  /** The files of the table. */
  static List<Path> parquetFiles(Path input) {
    if (!Files.isDirectory(input)) {
      return List.of(input);
    }
    try (Stream<Path> files = Files.walk(input)) {
      List<Path> found = files.filter(file -> file.toString().endsWith(".parquet")).toList();
      if (found.isEmpty()) {
        throw new UserError(
            "Cannot find a .parquet file in " + input + ": pass a folder that has some.");
      }
      return found;
    } catch (IOException e) {
      throw new UserError("Cannot list " + input + ": " + e.getMessage() + ".");
    }
  }

  private static boolean isParquet(Path file) {
    byte[] magic = new byte[4];
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "r")) {
      if (bytes.length() < 12) {
        return false;
      }
      bytes.seek(bytes.length() - 4);
      bytes.readFully(magic);
      return new String(magic, StandardCharsets.US_ASCII).equals("PAR1");
    } catch (IOException e) {
      throw new UserError("Cannot read " + file + ": " + e.getMessage() + ".");
    }
  }

  private static List<String> inputs(Path model) {
    if (!Files.isRegularFile(model)) {
      throw new UserError(
          "Cannot find the model " + model + ": pass an ONNX file with -Dmodel=PATH.");
    }
    try (OrtSession session = OrtEnvironment.getEnvironment().createSession(model.toString())) {
      return List.copyOf(session.getInputNames());
    } catch (OrtException e) {
      throw new UserError(
          "Cannot load the model "
              + model
              + ": ONNX Runtime says \""
              + e.getMessage()
              + "\"; pass a complete ONNX file with -Dmodel=PATH.");
    }
  }
}
