package io.arrowtensor.benchmarks;

import io.arrowtensor.benchmarks.Results.Row;
import java.util.List;
import java.util.Locale;

/** Medians as horizontal bars on a logarithmic scale, as SVG. */
final class BarChart {
  private static final double LETTER = 6.8; // pixels, of the font below
  private static final int BARS = 360;
  private static final int VALUES = 110;
  private static final int LINE = 22;
  private static final int TOP = 48;

  private final List<Row> rows;
  private final double low;
  private final double high;
  private final int labels;
  private final StringBuilder svg = new StringBuilder();

  private BarChart(List<Row> rows) {
    this.rows = rows;
    this.low = Math.floor(rows.stream().mapToDouble(r -> Math.log10(r.median())).min().orElse(0));
    double top = rows.stream().mapToDouble(r -> Math.log10(r.median())).max().orElse(1);
    this.high = Math.max(low + 1, Math.ceil(top));
    int longest = rows.stream().mapToInt(row -> row.label().length()).max().orElse(0);
    this.labels = (int) (longest * LETTER) + 16;
  }

  /** The plot of one result file. */
  static String of(Results results) {
    return new BarChart(results.rows()).draw(results);
  }

  private String draw(Results results) {
    int width = labels + BARS + VALUES;
    int height = TOP + LINE * rows.size() + 30;
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
            + " font-family=\"sans-serif\" font-size=\"12\">\n",
        width, height);
    add("<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n", width, height);
    text(8, 18, "start", "#111", results.name());
    text(8, 35, "start", "#666", results.machine());
    for (int power = (int) low; power <= high; power++) {
      int x = x(power);
      add(
          "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>\n",
          x, TOP, x, TOP + LINE * rows.size());
      text(x, height - 12, "middle", "#666", "1e" + power);
    }
    for (int i = 0; i < rows.size(); i++) {
      bar(rows.get(i), TOP + LINE * i);
    }
    return svg.append("</svg>\n").toString();
  }

  private void bar(Row row, int y) {
    int end = x(Math.log10(row.median()));
    text(labels - 8, y + 15, "end", "#111", row.label());
    add(
        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#4878a8\"/>\n",
        labels, y + 4, Math.max(1, end - labels), LINE - 8);
    text(end + 6, y + 15, "start", "#111", Report.number(row.median()) + " " + row.unit());
  }

  private int x(double power) {
    return (int) Math.round(labels + BARS * (power - low) / (high - low));
  }

  private void text(int x, int y, String anchor, String color, String text) {
    String safe = text.replace("&", "&amp;").replace("<", "&lt;");
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
        x, y, anchor, color, safe);
  }

  private void add(String format, Object... arguments) {
    svg.append(String.format(Locale.ROOT, format, arguments));
  }
}
