package io.arrowtensor;

/** Who may write through a converted array. */
public enum Access {
  /**
   * As the source says: Arrow views and unversioned DLPack structs are read-only, other sources
   * carry a flag.
   */
  AS_SOURCE,
  /**
   * Read-only, whatever the source allows. For an unversioned DLPack export, which cannot carry the
   * flag, this is the caller's word that the consumer does not write.
   */
  READ_ONLY,
  /**
   * Writable. Granted on memory that is flagged writable and on a view of a vector whose buffer has
   * one reference; other memory is copied if {@link Copy} allows it.
   */
  WRITABLE
}
