package io.arrowtensor.device;

import io.arrowtensor.Access;
import io.arrowtensor.ArraySource;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.LeakReports;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Shapes;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;

/**
 * Host memory that several processes map and in which each sees what the others write.
 *
 * <pre>{@code
 * try (SharedMemory shared = SharedMemory.create(4 * rows);
 *     DeviceArray scores = DeviceArray.from(shared.array(0, DType.FLOAT32, rows))) {
 *   // tell another process of this machine shared.pid() and shared.fd(); it calls
 *   // SharedMemory.open(pid, fd, bytes, access), or maps /proc/PID/fd/FD in any language
 * }
 * }</pre>
 *
 * <p><b>Ownership.</b> Memory from {@link #create} has no name. It is the kernel's, which frees it
 * with the last mapping and descriptor: when every process has closed it or ended, {@code kill -9}
 * included. {@link #close} gives up this process's part once all arrays made of it are closed, too.
 * Memory from {@link #named} outlives all processes until somebody calls {@link #unlink}.
 *
 * <p><b>Threads and processes.</b> Nothing here orders reads and writes: processes agree between
 * themselves who writes when. Methods are safe from any thread.
 *
 * <p>Linux; both processes must see each other under {@code /proc} and run as the same user.
 */
public final class SharedMemory implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,249}");

  private final Mapping mapping;
  private final boolean readOnly;
  private final LeakReports.Ticket ticket;
  private final AtomicBoolean closed = new AtomicBoolean();

  private SharedMemory(Mapping mapping, boolean readOnly) {
    this.mapping = mapping;
    this.readOnly = readOnly;
    this.ticket = LeakReports.track(this, mapping.bytes);
  }

  /**
   * New memory without a name, zeroed, writable. Its size is sealed: no process can take pages away
   * under another. As with any memory, the machine gives pages when they are first touched.
   *
   * @param bytes at least 1
   * @throws InterchangeException when the system refuses
   */
  public static SharedMemory create(long bytes) {
    requireSize(bytes);
    int fd = Posix.memory("arrowtensor");
    return guarded(
        fd,
        () -> {
          Posix.resize(fd, bytes);
          Posix.sealSize(fd);
          return map(fd, bytes, false);
        });
  }

  /**
   * Maps memory that another process has created, or this one.
   *
   * @param pid the process, as {@link #pid()} told it
   * @param fd the descriptor there, as {@link #fd()} told it; it must be open during this call
   * @param bytes how much to map, at least 1
   * @param access {@link Access#READ_ONLY}, else writable
   * @throws InterchangeException when there is no such memory or it is not this user's, when it is
   *     smaller than {@code bytes}, or when it could become so ({@code F_SEAL_SHRINK} is missing):
   *     reading beyond its end would end this process
   */
  public static SharedMemory open(long pid, int fd, long bytes, Access access) {
    requireSize(bytes);
    String path = "/proc/" + pid + "/fd/" + fd;
    boolean readOnly = access == Access.READ_ONLY;
    int own = Posix.open(path, readOnly ? Posix.O_RDONLY : Posix.O_RDWR);
    return guarded(
        own,
        () -> {
          if ((Posix.seals(own) & Posix.F_SEAL_SHRINK) == 0) {
            throw new InterchangeException(
                "Cannot map "
                    + path
                    + ": it is no memory of SharedMemory.create, or its producer could shrink it"
                    + " while it is read; seal it with fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)");
          }
          requireHolds(path, Posix.size(own), bytes);
          return map(own, bytes, readOnly);
        });
  }

  /**
   * New memory with a name on this machine, zeroed, writable, for this user only. It survives this
   * process and every other: somebody must call {@link #unlink}, or it takes memory until the
   * machine stops ({@code rm /dev/shm/NAME} does the same by hand). Prefer {@link #create}.
   *
   * @param name letters, digits, dots, dashes and underscores
   * @param bytes at least 1
   * @throws InterchangeException when the name is taken, or {@code /dev/shm} has no room; all of
   *     the memory is taken now
   */
  public static SharedMemory named(String name, long bytes) {
    requireSize(bytes);
    String path = path(name);
    int fd = Posix.openNamed(path, Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL);
    try {
      return guarded(
          fd,
          () -> {
            reserveNamed(fd, bytes);
            return map(fd, bytes, false);
          });
    } catch (RuntimeException | Error e) {
      unlink(name);
      throw e;
    }
  }

  /**
   * Maps memory by its name. Named memory cannot be sealed: a process of this user that shrinks it
   * ends those that read it.
   *
   * @param bytes how much to map, at least 1
   * @param access {@link Access#READ_ONLY}, else writable
   * @throws InterchangeException when there is no such name, or less memory behind it
   */
  public static SharedMemory openNamed(String name, long bytes, Access access) {
    requireSize(bytes);
    boolean readOnly = access == Access.READ_ONLY;
    int fd = Posix.openNamed(path(name), readOnly ? Posix.O_RDONLY : Posix.O_RDWR);
    return guarded(
        fd,
        () -> {
          requireHolds(name, Posix.size(fd), bytes);
          return map(fd, bytes, readOnly);
        });
  }

  /**
   * Removes a name. The memory is freed when the last process that maps it closes it or ends.
   *
   * @return whether there was such a name to remove
   */
  public static boolean unlink(String name) {
    return Posix.unlink(path(name));
  }

  /** This process, for {@link #open} in another. */
  public long pid() {
    return ProcessHandle.current().pid();
  }

  /**
   * The descriptor in this process, for {@link #open} in another; open until {@link #close}.
   *
   * @throws IllegalStateException after that: the number may be another file's by then
   */
  public int fd() {
    if (closed.get()) {
      throw new IllegalStateException(
          "Cannot name the descriptor of shared memory that was closed: keep it open until the"
              + " other process has opened it");
    }
    return mapping.fd;
  }

  /** The size in bytes. */
  public long bytes() {
    return mapping.bytes;
  }

  /**
   * A row-major array over a part of the memory. It keeps the mapping alive, so this object may be
   * closed first. Read-only where the mapping is.
   *
   * @param offset bytes from the start of the memory to the first element
   * @throws InvalidStructException when the array would reach beyond the memory
   */
  public ArraySource array(long offset, DType dtype, long... shape) {
    long[] dimensions = shape.clone();
    long size = Shapes.bytes(dimensions, dtype);
    if (offset < 0 || offset > mapping.bytes - size) {
      throw new InvalidStructException(
          "Invalid array of %d bytes at offset %d: the shared memory has %d bytes"
              .formatted(size, offset, mapping.bytes));
    }
    return options -> {
      if (closed.get()) {
        throw new IllegalStateException(
            "Cannot use shared memory that was closed: keep it open until its arrays are made");
      }
      return Memory.borrow(mapping.address + offset, dtype, dimensions)
          .withReadOnly(readOnly)
          .withOwner(mapping.retain());
    };
  }

  /** Gives up this process's part, once its arrays are closed. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      ticket.done();
      mapping.release();
    }
  }

  private static void requireSize(long bytes) {
    if (bytes < 1) {
      throw new InterchangeException("Cannot share " + bytes + " bytes of memory: the least is 1");
    }
  }

  /** A page that such a folder has no room for would end the process that touches it. */
  private static void reserveNamed(int fd, long bytes) {
    try {
      FileStore folder = Files.getFileStore(Path.of("/dev/shm"));
      if (folder.getTotalSpace() == 0) { // without a limit
        Posix.resize(fd, bytes);
      } else if (bytes > folder.getUsableSpace()) {
        throw new InterchangeException(
            "Cannot name %d bytes of memory: /dev/shm has room for %d; enlarge it, or take SharedMemory.create"
                .formatted(bytes, folder.getUsableSpace()));
      } else {
        Posix.reserve(fd, bytes);
      }
    } catch (IOException e) {
      throw new InterchangeException("Cannot name shared memory: /dev/shm is missing: " + e, e);
    }
  }

  private static void requireHolds(String where, long size, long bytes) {
    if (size < bytes) {
      throw new InterchangeException(
          "Cannot map %d bytes of %s: it has %d; ask its producer for the size"
              .formatted(bytes, where, size));
    }
  }

  private static String path(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new InterchangeException(
          "Invalid name '"
              + name
              + "' of shared memory: expected up to 250 letters, digits, dots, dashes and"
              + " underscores, a dot not first");
    }
    return "/" + name;
  }

  private static SharedMemory map(int fd, long bytes, boolean readOnly) {
    return new SharedMemory(new Mapping(Posix.map(fd, bytes, readOnly), bytes, fd), readOnly);
  }

  private static SharedMemory guarded(int fd, java.util.function.Supplier<SharedMemory> step) {
    try {
      return step.get();
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(() -> Posix.close(fd)));
      throw e;
    }
  }

  /** This process's mapping and descriptor. */
  private static final class Mapping extends Owner {
    private final long address;
    private final long bytes;
    private final int fd;

    Mapping(long address, long bytes, int fd) {
      this.address = address;
      this.bytes = bytes;
      this.fd = fd;
      NativeBytes.add(bytes);
    }

    @Override
    protected void free() {
      NativeBytes.add(-bytes);
      Closing.all(List.of(() -> Posix.unmap(address, bytes), () -> Posix.close(fd)));
    }
  }
}
