package io.arrowtensor.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A file as it was when a job was built, so that every worker can tell that it has the same one.
 *
 * @param uri as the function asked for it
 * @param bytes its size
 * @param digest its SHA-256 in hexadecimal
 */
public record KnownFile(URI uri, long bytes, String digest) implements Serializable {

  /** What is known about a local file, as long as it does not change. */
  private record Seen(long bytes, long modified, String digest) {}

  private static final ConcurrentHashMap<Path, Seen> SEEN = new ConcurrentHashMap<>();

  /**
   * Size and digest of {@code local}; computed again only when the file has changed. Any thread.
   */
  public static KnownFile of(URI uri, Path local) throws IOException {
    long bytes = Files.size(local);
    long modified = Files.getLastModifiedTime(local).toMillis();
    Seen seen = SEEN.get(local);
    if (seen == null || seen.bytes != bytes || seen.modified != modified) {
      seen = new Seen(bytes, modified, digest(local));
      SEEN.put(local, seen);
    }
    return new KnownFile(uri, bytes, seen.digest);
  }

  private static String digest(Path local) throws IOException {
    MessageDigest digest = newDigest();
    try (InputStream in = new DigestInputStream(Files.newInputStream(local), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("Every Java platform has SHA-256", e);
    }
  }

  /**
   * Compares a file of this machine with those that are known.
   *
   * @param local the copy of {@code uri} here
   * @return {@code local}
   * @throws IOException telling both when it is another one
   */
  public static Path require(List<KnownFile> known, URI uri, Path local) throws IOException {
    for (KnownFile file : known) {
      if (file.uri.equals(uri)) {
        file.require(of(uri, local));
      }
    }
    return local;
  }

  private void require(KnownFile here) throws IOException {
    if (bytes != here.bytes || !digest.equals(here.digest)) {
      throw new IOException(
          "Invalid copy of "
              + uri
              + ": "
              + here.bytes
              + " bytes with SHA-256 "
              + here.digest
              + ", where the job was built there were "
              + bytes
              + " bytes with SHA-256 "
              + digest
              + "; put the same file on every machine, or on a shared file system");
    }
  }
}
