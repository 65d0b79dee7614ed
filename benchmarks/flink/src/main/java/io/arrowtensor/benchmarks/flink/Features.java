package io.arrowtensor.benchmarks.flink;

import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.writer.BinaryRowWriter;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.LogicalType;

/** Rows of eight floats, the same in every form that they come in. */
public final class Features {
  /** The names of the columns. */
  static final String[] NAMES = {"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7"};

  /** Rows that a job emits in turn: few enough to stay in the second cache. */
  private static final int PREPARED = 1024;

  public float f0;
  public float f1;
  public float f2;
  public float f3;
  public float f4;
  public float f5;
  public float f6;
  public float f7;

  /** For Flink. */
  public Features() {}

  private static float[][] values() {
    Random random = new Random(8);
    float[][] values = new float[PREPARED][NAMES.length];
    for (float[] row : values) {
      for (int c = 0; c < row.length; c++) {
        row[c] = random.nextFloat();
      }
    }
    return values;
  }

  /** The type of both kinds of {@code RowData}. */
  static TypeInformation<RowData> rowType() {
    LogicalType[] types =
        IntStream.range(0, NAMES.length)
            .mapToObj(c -> new FloatType(false))
            .toArray(LogicalType[]::new);
    return InternalTypeInfo.ofFields(types, NAMES);
  }

  /** Rows of boxed values. */
  static RowData[] generic() {
    return prepared(
        RowData[]::new,
        row -> {
          GenericRowData made = new GenericRowData(row.length);
          for (int c = 0; c < row.length; c++) {
            made.setField(c, row[c]);
          }
          return made;
        });
  }

  /** Rows of bytes. */
  static RowData[] binary() {
    return prepared(
        RowData[]::new,
        row -> {
          BinaryRowData made = new BinaryRowData(row.length);
          BinaryRowWriter writer = new BinaryRowWriter(made);
          for (int c = 0; c < row.length; c++) {
            writer.writeFloat(c, row[c]);
          }
          writer.complete();
          return made;
        });
  }

  /** Java objects. */
  static Features[] objects() {
    return prepared(
        Features[]::new,
        row -> {
          Features made = new Features();
          made.f0 = row[0];
          made.f1 = row[1];
          made.f2 = row[2];
          made.f3 = row[3];
          made.f4 = row[4];
          made.f5 = row[5];
          made.f6 = row[6];
          made.f7 = row[7];
          return made;
        });
  }

  private static <T> T[] prepared(
      IntFunction<T[]> array, java.util.function.Function<float[], T> form) {
    return java.util.Arrays.stream(values()).map(form).toArray(array);
  }
}
