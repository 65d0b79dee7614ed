package io.arrowtensor.flink.file;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.fs.ByteBufferReadable;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataInputStreamWrapper;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.FileSystemFactory;
import org.apache.flink.core.fs.local.LocalFileSystem;
import org.apache.flink.core.plugin.PluginManager;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The local files as two more of Flink's file systems, which note the bytes that are read: {@code
 * counted:} gives them to arrays, {@code direct:} to native memory too. One thread.
 */
final class CountedFiles implements BeforeAllCallback, AfterAllCallback {
  private static final BitSet READ = new BitSet();
  private static long bytes;
  private static int open;

  @Override
  public void beforeAll(ExtensionContext context) {
    FileSystem.initialize(
        new Configuration(),
        new PluginManager() {
          @Override
          public <P> Iterator<P> load(Class<P> service) {
            return List.of(new Factory("counted"), new Factory("direct")).stream()
                .map(service::cast)
                .iterator();
          }
        });
  }

  @Override
  public void afterAll(ExtensionContext context) {
    FileSystem.initialize(new Configuration(), null);
  }

  static org.apache.flink.core.fs.Path path(String scheme, Path file) {
    return new org.apache.flink.core.fs.Path(scheme + ":" + file.toUri().getRawPath());
  }

  /** Forgets what was read up to now. */
  static void forget() {
    READ.clear();
    bytes = 0;
  }

  /** How many bytes were read, those that were read twice twice. */
  static long bytes() {
    return bytes;
  }

  /** How many of the bytes from {@code start} to {@code end} were read. */
  static long bytes(long start, long end) {
    return READ.get(Math.toIntExact(start), Math.toIntExact(end)).cardinality();
  }

  /** Files that are open. */
  static int open() {
    return open;
  }

  private static void note(long position, int read) {
    if (read > 0) {
      READ.set(Math.toIntExact(position), Math.toIntExact(position + read));
      bytes += read;
    }
  }

  private record Factory(String scheme) implements FileSystemFactory {
    @Override
    public String getScheme() {
      return scheme;
    }

    @Override
    public FileSystem create(URI uri) {
      return new Files(scheme);
    }
  }

  private static final class Files extends LocalFileSystem {
    private final String scheme;

    Files(String scheme) {
      this.scheme = scheme;
    }

    @Override
    public URI getUri() {
      return URI.create(scheme + ":///");
    }

    @Override
    public FSDataInputStream open(org.apache.flink.core.fs.Path path) throws IOException {
      FSDataInputStream stream = super.open(path);
      return scheme.equals("direct") ? new Direct(stream) : new Counted(stream);
    }
  }

  private static class Counted extends FSDataInputStreamWrapper {
    private boolean closed;

    Counted(FSDataInputStream stream) {
      super(stream);
      open++;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target) throws IOException {
      return read(target, 0, target.length);
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      long position = getPos();
      int read = super.read(target, offset, length);
      note(position, read);
      return read;
    }

    @Override
    public void close() throws IOException {
      super.close();
      open -= closed ? 0 : 1;
      closed = true;
    }
  }

  /** Gives what it has at once, as streams from a network do. */
  private static final class Direct extends Counted implements ByteBufferReadable {
    private static final int AT_ONCE = 10_000;

    Direct(FSDataInputStream stream) {
      super(stream);
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      byte[] some = new byte[Math.min(AT_ONCE, target.remaining())];
      int read = read(some);
      target.put(some, 0, Math.max(0, read));
      return read;
    }

    @Override
    public int read(long position, ByteBuffer target) {
      throw new UnsupportedOperationException("not asked for by this library");
    }
  }
}
