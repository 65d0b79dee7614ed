package io.arrowtensor.device;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.RawMemory;

/**
 * The calls of the operating system behind {@link SharedMemory}, by file descriptor and address.
 * Constants are those of Linux. A failure is an {@link InterchangeException}: what was tried and
 * the system's reason.
 */
final class Posix {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int F_SEAL_SHRINK = 2;

  private static final int O_NONBLOCK = 0x800; // opening a pipe must not wait for its other end
  private static final int O_CLOEXEC = 0x80000;
  private static final int OWNER_ONLY = 0600;
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_GET_SEALS = 1034;
  private static final int F_SEAL_SEAL = 1;
  private static final int F_SEAL_GROW = 4;
  private static final int SEEK_END = 2;
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final int EINTR = 4;
  private static final int MAX_TEXT = 1024;

  private Posix() {}

  private static ForeignLibrary c() {
    ForeignLibrary process = ForeignLibrary.process();
    process.function("__errno_location"); // found before, as a search for it could change errno
    return process;
  }

  /** A new file in memory without a name in any folder. */
  static int memory(String label) {
    try (Scratch text = Scratch.text(label)) {
      long fd = c().call("memfd_create", text.address(0), MFD_CLOEXEC | MFD_ALLOW_SEALING);
      return checked((int) fd, "create shared memory");
    }
  }

  /** Opens a file by path. */
  static int open(String path, int mode) {
    try (Scratch text = Scratch.text(path)) {
      long fd = c().call("open", text.address(0), mode | O_CLOEXEC | O_NONBLOCK);
      return checked((int) fd, "open " + path);
    }
  }

  /** Opens or creates a shared memory object; closed on exec. */
  static int openNamed(String name, int mode) {
    try (Scratch text = Scratch.text(name)) {
      long fd = c().call("shm_open", text.address(0), mode, OWNER_ONLY);
      return checked((int) fd, "open the shared memory named " + name);
    }
  }

  /** Removes a name; false when the system refuses, as it does where there is no such name. */
  static boolean unlink(String name) {
    try (Scratch text = Scratch.text(name)) {
      return (int) c().call("shm_unlink", text.address(0)) == 0;
    }
  }

  /** Gives the file its size; memory is taken page by page when it is touched. */
  static void resize(int fd, long bytes) {
    checked((int) c().call("ftruncate", fd, bytes), "make shared memory of " + bytes + " bytes");
  }

  /**
   * Gives the file its size and takes all memory for it, so that a folder of limited size cannot
   * fail an access later. Only for sizes that fit the folder: the kernel takes what it can get.
   */
  static void reserve(int fd, long bytes) {
    int error = EINTR;
    while (error == EINTR) {
      error = (int) c().call("posix_fallocate", fd, 0, bytes);
    }
    if (error != 0) {
      throw failed("reserve " + bytes + " bytes of shared memory", error);
    }
  }

  /** From here on the file keeps its size. */
  static void sealSize(int fd) {
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    checked((int) c().call("fcntl", fd, F_ADD_SEALS, seals), "seal shared memory");
  }

  /** The seals of the file; none where it cannot have any. */
  static int seals(int fd) {
    return Math.max(0, (int) c().call("fcntl", fd, F_GET_SEALS, 0));
  }

  /** The size of a file; -1 where it has none. */
  static long size(int fd) {
    return c().call("lseek", fd, 0, SEEK_END);
  }

  /** Maps the first {@code bytes} of the file, shared with all who do. */
  static long map(int fd, long bytes, boolean readOnly) {
    int rights = readOnly ? PROT_READ : PROT_READ | PROT_WRITE;
    long address = c().call("mmap", 0, bytes, rights, MAP_SHARED, fd, 0);
    if (address == -1) {
      throw failed("map " + bytes + " bytes of shared memory", errno());
    }
    return address;
  }

  static void unmap(long address, long bytes) {
    checked((int) c().call("munmap", address, bytes), "unmap shared memory");
  }

  static void close(int fd) {
    checked((int) c().call("close", fd), "close shared memory");
  }

  private static int checked(int result, String verb) {
    if (result == -1) {
      throw failed(verb, errno());
    }
    return result;
  }

  private static int errno() {
    return RawMemory.intAt(c().call("__errno_location"));
  }

  private static InterchangeException failed(String verb, int error) {
    String reason = RawMemory.cString(c().call("strerror", error), MAX_TEXT);
    return new InterchangeException("Cannot " + verb + ": " + reason);
  }
}
