package io.arrowtensor.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A file as the driver saw it, so that every worker can tell that it has the same one.
 *
 * @param uri as the function asked for it
 * @param bytes its size
 * @param digest its SHA-256 in hexadecimal
 */
record KnownFile(URI uri, long bytes, String digest) implements Serializable {

  static KnownFile of(URI uri, Path local) throws IOException {
    MessageDigest digest = newDigest();
    try (InputStream in = new DigestInputStream(Files.newInputStream(local), digest)) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
    }
    return new KnownFile(uri, Files.size(local), HexFormat.of().formatHex(digest.digest()));
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("Every Java platform has SHA-256", e);
    }
  }

  /**
   * Compares with the file of this machine.
   *
   * @throws IOException telling both when it is another one
   */
  void require(KnownFile here) throws IOException {
    if (bytes != here.bytes || !digest.equals(here.digest)) {
      throw new IOException(
          "Invalid copy of "
              + uri
              + ": "
              + here.bytes
              + " bytes with SHA-256 "
              + here.digest
              + ", the driver has "
              + bytes
              + " bytes with SHA-256 "
              + digest
              + "; put the same file on every machine, or on a shared file system");
    }
  }
}
