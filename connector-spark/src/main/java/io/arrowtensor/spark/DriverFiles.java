package io.arrowtensor.spark;

import io.arrowtensor.FileAccess;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Files that a function reads while a query is analysed, remembered for the workers. One thread.
 */
final class DriverFiles implements FileAccess {
  private final Configuration conf;
  private final List<KnownFile> known = new ArrayList<>();

  DriverFiles(Configuration conf) {
    this.conf = conf;
  }

  @Override
  public Path localCopy(URI uri) throws IOException {
    Path local = ProcessFiles.localCopy(uri, conf);
    known.add(ProcessFiles.known(uri, local));
    return local;
  }

  List<KnownFile> known() {
    return List.copyOf(known);
  }
}
