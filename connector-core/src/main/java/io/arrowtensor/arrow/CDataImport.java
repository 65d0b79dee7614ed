package io.arrowtensor.arrow;

import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.NativeLibrary;
import java.util.List;

/** Takes C structs over by moving them into memory of ours. */
final class CDataImport {
  private CDataImport() {}

  /** Takes a schema and an array of either kind. */
  static ArrowSource take(long schema, long array, Kind kind) {
    NativeLibrary.require();
    TakenStruct movedSchema;
    try {
      movedSchema = TakenStruct.move(Kind.SCHEMA, schema);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(() -> TakenStruct.move(kind, array).release()));
      throw e;
    }
    TakenStruct movedArray;
    try {
      movedArray = TakenStruct.move(kind, array);
    } catch (RuntimeException | Error e) {
      movedSchema.release();
      throw e;
    }
    CSchema read;
    try {
      read = SchemaReader.read(movedSchema.address);
    } catch (RuntimeException | Error e) {
      movedArray.release();
      throw e;
    } finally {
      movedSchema.release();
    }
    return source(read, movedArray);
  }

  /** A source of {@code array}, whose reference passes to it, also when this fails. */
  static NodeSource source(CSchema schema, TakenStruct array) {
    try {
      return new NodeSource(new CDataNode(schema, array, Place.of(array)), array);
    } catch (RuntimeException | Error e) {
      array.release();
      throw e;
    }
  }
}
