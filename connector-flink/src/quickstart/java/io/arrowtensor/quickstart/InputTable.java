package io.arrowtensor.quickstart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * A Parquet table as Flink's SQL declares it, with the model's arguments as columns.
 *
 * @param create the {@code CREATE TABLE} statement
 * @param rows how many the files hold
 */
record InputTable(String create, long rows) {
  static final String NAME = "input";

  /** Reads the schema of the table's first file, and the number of rows of all. */
  static InputTable of(Arguments arguments) {
    List<Path> files = Arguments.parquetFiles(arguments.input());
    long rows = 0;
    for (Path file : files) {
      try (ParquetFileReader reader = open(file)) {
        rows += reader.getRecordCount();
      } catch (IOException | RuntimeException e) {
        throw unreadable(file, e);
      }
    }
    MessageType schema = schema(files.get(0));
    String columns =
        arguments.columns().stream()
            .map(name -> quoted(List.of(name)) + " " + type(schema, name))
            .collect(Collectors.joining(", "));
    String create =
        ("CREATE TABLE %s (%s)"
                + " WITH ('connector' = 'filesystem', 'format' = 'parquet', 'path' = '%s')")
            .formatted(NAME, columns, uri(arguments.input()));
    System.out.println(create + ";");
    return new InputTable(create, rows);
  }

  private static ParquetFileReader open(Path file) throws IOException {
    return ParquetFileReader.open(new LocalInputFile(file));
  }

  private static MessageType schema(Path file) {
    try (ParquetFileReader reader = open(file)) {
      return reader.getFileMetaData().getSchema();
    } catch (IOException | RuntimeException e) {
      throw unreadable(file, e);
    }
  }

  private static UserError unreadable(Path file, Exception e) {
    return new UserError("Cannot read " + file + ": " + e.getMessage() + ".");
  }

  private static String type(MessageType schema, String column) {
    if (!schema.containsField(column)) {
      List<String> known = schema.getFields().stream().map(Type::getName).toList();
      throw new UserError(
          "Cannot find column '"
              + column
              + "' in the table, which has "
              + known
              + ": name the model's arguments with -Dcolumns=a,b.");
    }
    Type type = schema.getType(column);
    String sql = type.isPrimitive() ? sql(type) : "";
    if (sql.isEmpty()) {
      throw new UserError(
          "Cannot score column '" + column + "' of type " + type + ": name numbers or text.");
    }
    return sql;
  }

  private static String sql(Type type) {
    LogicalTypeAnnotation meaning = type.getLogicalTypeAnnotation();
    if (LogicalTypeAnnotation.stringType().equals(meaning)) {
      return "STRING";
    }
    if (meaning != null) {
      return "";
    }
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> "BOOLEAN";
      case INT32 -> "INT";
      case INT64 -> "BIGINT";
      case FLOAT -> "FLOAT";
      case DOUBLE -> "DOUBLE";
      case BINARY, FIXED_LEN_BYTE_ARRAY, INT96 -> "";
    };
  }

  /** Names as SQL takes them whatever they are. */
  static String quoted(List<String> names) {
    return names.stream()
        .map(name -> "`" + name.replace("`", "``") + "`")
        .collect(Collectors.joining(", "));
  }

  /** A path as a literal of SQL has it. */
  static String uri(Path path) {
    return path.toUri().toString().replace("'", "''");
  }
}
