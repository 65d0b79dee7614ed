package io.arrowtensor.benchmarks;

import io.arrowtensor.benchmarks.Results.Row;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Renders result files of JMH: a plot for each, one Markdown text with all tables, and both between
 * two marks of a README.
 */
public final class Report {
  private static final String BEGIN = "<!-- benchmarks: made by benchmarks/render -->";
  private static final String END = "<!-- end of benchmarks -->";

  private Report() {}

  /** Arguments: the folder of the result files, the README. */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    StringBuilder tables = new StringBuilder();
    StringBuilder folded = new StringBuilder();
    for (Path file : resultFiles(folder)) {
      Results results = Results.read(file);
      tables.append(table(results));
      folded.append(folded(folder, results));
      Files.writeString(folder.resolve(results.name() + ".svg"), BarChart.of(results));
    }
    Files.writeString(folder.resolve("results.md"), tables);
    replace(Path.of(args[1]), folded.toString());
  }

  private static List<Path> resultFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
  }

  /** The plot, and the table behind a click. */
  private static String folded(Path folder, Results results) {
    String plot = "benchmarks/" + folder.getFileName() + "/" + results.name() + ".svg";
    return "![%s](%s)\n\n<details><summary>%s: table</summary>\n\n%s</details>\n\n"
        .formatted(results.name(), plot, results.name(), table(results));
  }

  private static String table(Results results) {
    StringBuilder table = new StringBuilder();
    table.append("**").append(results.name()).append("** (").append(results.machine());
    table.append("; median over forks and iterations)\n\n");
    table.append("| benchmark | median | least | most | garbage |\n|---|---:|---:|---:|---:|\n");
    for (Row row : results.rows()) {
      table.append("| ").append(row.label()).append(" | ").append(number(row.median()));
      table.append(' ').append(row.unit()).append(" | ").append(number(row.least()));
      table.append(" | ").append(number(row.most())).append(" | ");
      table.append(row.garbage() < 0 ? "" : number(row.garbage()) + " B/op").append(" |\n");
    }
    return table.append('\n').toString();
  }

  /** Three significant digits, or all digits before the point. */
  static String number(double value) {
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }

  private static void replace(Path readme, String tables) throws IOException {
    String text = Files.exists(readme) ? Files.readString(readme) : "";
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      System.out.println(readme.getFileName() + " has no marks '" + BEGIN + "' and '" + END + "'");
      return;
    }
    Files.writeString(
        readme, text.substring(0, begin + BEGIN.length()) + "\n" + tables + text.substring(end));
  }
}
