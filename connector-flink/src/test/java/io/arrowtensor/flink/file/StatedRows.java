package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;

/**
 * How many rows a file says it has, by the classes that are generated of its format's definition.
 */
final class StatedRows {
  private StatedRows() {}

  /** Of each record batch that the footer names. */
  static List<Long> ofArrow(byte[] file) {
    int end = file.length - Integer.BYTES - "ARROW1".length();
    int size = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(end);
    Footer footer = Footer.getRootAsFooter(from(file, end - size));
    List<Long> rows = new ArrayList<>();
    for (int i = 0; i < footer.recordBatchesLength(); i++) {
      int start = Math.toIntExact(footer.recordBatches(i).offset());
      int prefix = from(file, start).getInt() == -1 ? 2 * Integer.BYTES : Integer.BYTES;
      Message message = Message.getRootAsMessage(from(file, start + prefix));
      rows.add(((RecordBatch) message.header(new RecordBatch())).length());
    }
    return rows;
  }

  private static ByteBuffer from(byte[] file, int position) {
    return ByteBuffer.wrap(file, position, file.length - position)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Of each row group; the sum that a footer has besides is read by none of Parquet's readers. */
  static List<Long> ofParquet(byte[] file) throws IOException {
    return footer(file).getRow_groups().stream().map(RowGroup::getNum_rows).toList();
  }

  /** The footer of a Parquet file. */
  static FileMetaData footer(byte[] file) throws IOException {
    int end = file.length - Integer.BYTES - "PAR1".length();
    int size = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(end);
    return Util.readFileMetaData(new ByteArrayInputStream(file, end - size, size));
  }

  /** That no batch has more or fewer rows than were stated, and that none is missing. */
  static void assertAreRead(List<Long> stated, List<List<List<Object>>> batches) {
    assertThat(batches).as("batches of %s rows", stated).hasSameSizeAs(stated);
    for (int i = 0; i < batches.size(); i++) {
      for (List<Object> column : batches.get(i)) {
        assertThat((long) column.size()).as("rows of batch %s", i).isEqualTo(stated.get(i));
      }
    }
  }

  /** A place in {@code file} to change: in half of all cases in its last {@code footer} bytes. */
  static int somewhere(byte[] file, int footer, Random random) {
    return random.nextBoolean()
        ? random.nextInt(file.length)
        : file.length - 1 - random.nextInt(footer);
  }
}
