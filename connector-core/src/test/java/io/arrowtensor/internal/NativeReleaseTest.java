package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The release functions of ArrowArray and ArrowSchema, on trees of structs with an owner each. */
class NativeReleaseTest {
  private final CountingOwner root = new CountingOwner();
  private final CountingOwner first = new CountingOwner();
  private final CountingOwner second = new CountingOwner();

  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @ParameterizedTest
  @EnumSource
  void releaseMarksTheStructReleasedAndReleasesItsOwnerOnce(Struct struct) {
    // Copied out of its block, as a consumer that takes it over does, to look at it afterwards.
    long moved = Native.allocate(struct.size, 16);
    RawMemory.copy(struct.export(root, 0, 0), moved, struct.size);
    struct.release(moved);
    assertThat(root.frees()).isEqualTo(1);
    assertThat(RawMemory.longAt(moved + struct.release)).as("release").isZero();
    assertThat(RawMemory.longAt(moved + struct.release + 8)).as("private_data").isZero();
    Native.free(moved);
  }

  @ParameterizedTest
  @EnumSource
  void releaseReleasesChildrenAndDictionary(Struct struct) {
    long child = struct.export(first, 0, 0);
    long parent = struct.export(root, child, struct.export(second, 0, 0));
    struct.release(parent);
    assertThat(first.frees()).as("child").isEqualTo(1);
    assertThat(second.frees()).as("dictionary").isEqualTo(1);
    assertThat(root.frees()).as("parent").isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void childThatWasMovedOutOutlivesItsParent(Struct struct) {
    long child = struct.export(first, struct.export(second, 0, 0), 0);
    long parent = struct.export(root, child, 0);
    long moved = Native.allocate(struct.size, 16);
    RawMemory.copy(child, moved, struct.size);
    RawMemory.putLong(child + struct.release, 0);
    struct.release(parent);
    assertThat(root.frees()).as("parent").isEqualTo(1);
    assertThat(first.frees()).as("moved child").isZero();
    struct.release(moved);
    assertThat(first.frees()).as("moved child, released").isEqualTo(1);
    assertThat(second.frees()).as("its own child").isEqualTo(1);
    Native.free(moved);
  }

  @ParameterizedTest
  @EnumSource
  void childWithoutABlockLivesInItsParents(Struct struct) {
    long parent = struct.export(root, 0, 0);
    long child = parent + struct.size;
    RawMemory.putLong(child + struct.release, struct.callback());
    struct.putChild(parent, child);
    struct.release(parent);
    assertThat(root.frees()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void foreignThreadReleasesATree(Struct struct) {
    long parent = struct.export(root, struct.export(first, 0, 0), 0);
    assertThat(TestNative.call("on_thread", struct.callback(), parent)).isZero();
    assertThat(root.frees()).isEqualTo(1);
    assertThat(first.frees()).isEqualTo(1);
  }

  enum Struct {
    ARRAY(80, 32, 48, 56, 64),
    SCHEMA(72, 32, 40, 48, 56);

    final int size;
    final int release;
    private final int childCount;
    private final int children;
    private final int dictionary;

    Struct(int size, int childCount, int children, int dictionary, int release) {
      this.size = size;
      this.childCount = childCount;
      this.children = children;
      this.dictionary = dictionary;
      this.release = release;
    }

    long callback() {
      return Native.callback(
          this == ARRAY ? Native.ARROW_ARRAY_RELEASE : Native.ARROW_SCHEMA_RELEASE);
    }

    /** A block of the struct, room for a second one, and the array of one child. */
    long export(Owner owner, long child, long dictionaryStruct) {
      long self = Native.newExport(owner, 2L * size + 8);
      RawMemory.putLong(self + release, callback());
      RawMemory.putLong(self + release + 8, self);
      RawMemory.putLong(self + dictionary, dictionaryStruct);
      if (child != 0) {
        putChild(self, child);
      }
      return self;
    }

    void putChild(long self, long child) {
      RawMemory.putLong(self + childCount, 1);
      RawMemory.putLong(self + children, self + 2L * size);
      RawMemory.putLong(self + 2L * size, child);
    }

    void release(long self) {
      Native.call(RawMemory.longAt(self + release), self, 0, 0, 0, 0, 0);
    }
  }
}
