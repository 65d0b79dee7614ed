package io.arrowtensor.engine;

import io.arrowtensor.InterchangeException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Size and SHA-256 of a model and of its weights files: by these a worker knows that it has the
 * bytes that the driver checked.
 *
 * @param files the model first
 */
record Fingerprint(List<Entry> files) implements Serializable {
  private static final int CHUNK = 1 << 20;

  Fingerprint {
    files = List.copyOf(files);
  }

  /**
   * One file.
   *
   * @param location empty for the model, else relative to its folder
   */
  record Entry(String location, long size, String sha256) implements Serializable {

    static Entry of(String location, Path file) throws IOException {
      MessageDigest digest = sha256Digest();
      long size = 0;
      byte[] chunk = new byte[CHUNK];
      try (InputStream in = Files.newInputStream(file)) {
        for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
          digest.update(chunk, 0, read);
          size += read;
        }
      }
      return new Entry(location, size, HexFormat.of().formatHex(digest.digest()));
    }

    private static MessageDigest sha256Digest() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("Every Java platform has SHA-256", e);
      }
    }

    private String words() {
      return size + " bytes with SHA-256 " + sha256;
    }
  }

  /**
   * Checks that {@code found} are the same files.
   *
   * @throws InterchangeException naming the file that differs
   */
  void require(Fingerprint found, URI model) {
    if (equals(found)) {
      return;
    }
    for (int i = 0; i < Math.min(files.size(), found.files.size()); i++) {
      Entry expected = files.get(i);
      Entry actual = found.files.get(i);
      if (!expected.equals(actual)) {
        throw new InterchangeException(
            "Cannot use "
                + (expected.location().isEmpty()
                    ? "model " + model
                    : "weights file '" + expected.location() + "' of model " + model)
                + ": the driver read "
                + expected.words()
                + ", this worker "
                + actual.words()
                + "; put the same file where every worker reads it and plan the job again");
      }
    }
    throw new InterchangeException(
        "Cannot use model "
            + model
            + ": it has other weights files here than on the driver; plan the job again");
  }
}
