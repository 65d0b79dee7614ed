/*
 * The C functions that exported structs point at, and the few calls that Java cannot make itself.
 *
 * An export is one block, [header][payload]. The payload, which Java fills, holds the struct and
 * what it points at; the header holds a strong reference to the Java owner of the exported memory.
 * That reference is all that ties native code to a class loader: while an export lives it keeps the
 * loader, its classes and this copy of the library's method identifier valid; afterwards nothing
 * here refers to the loader. The code itself is never unmapped (linked with -z nodelete), so that
 * the tail of a callback can still run while its loader is collected.
 */
#include "platform.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io_arrowtensor_internal_Native.h"

#define KIND(constant) io_arrowtensor_internal_Native_##constant

static JavaVM *java_vm;
static jmethodID owner_release, owner_call;
static thread_slot attached_slot;
static atomic_long attached_threads;
static atomic_bool process_ending;
static atomic_long inside; /* callbacks that are in Java, or about to see that it ends */

/* ---- Blocks ---------------------------------------------------------------------------------- */

typedef struct {
  _Alignas(16) jobject owner; /* global reference, or NULL */
  atomic_long more;           /* references beyond the first */
} export_header;

static export_header *header_of(void *payload) { return (export_header *)payload - 1; }

/* ---- Threads --------------------------------------------------------------------------------- */

/* System.exit() has stopped Java for good when it runs this: to call in is to wait for ever. */
static void end_process(void) { atomic_store(&process_ending, true); }

/*
 * Closes the way into Java before the virtual machine stops: a thread that came later would be kept
 * there for ever, with whatever lock it holds. Returns how many callbacks are still under way.
 */
static int64_t end_callbacks(void) {
  atomic_store(&process_ending, true);
  return atomic_load(&inside);
}

/* Runs on the ending thread. An attached thread that ends without this leaks a Java thread. */
static void detach_ending_thread(void *unused) {
  (void)unused;
  atomic_fetch_sub(&attached_threads, 1);
  void *env;
  if (!atomic_load(&process_ending) && (*java_vm)->GetEnv(java_vm, &env, JNI_VERSION_10) == JNI_OK) {
    (*java_vm)->DetachCurrentThread(java_vm);
  }
}

/*
 * The calling thread's environment. A foreign thread is attached on its first call and stays so
 * until it ends, because an attach and detach per call costs a hundred times the call. NULL when
 * the virtual machine is gone.
 */
static JNIEnv *current_env(void) {
  void *env = NULL;
  if (atomic_load(&process_ending)) {
    return NULL;
  }
  if ((*java_vm)->GetEnv(java_vm, &env, JNI_VERSION_10) == JNI_OK) {
    return env;
  }
  JavaVMAttachArgs args = {JNI_VERSION_10, (char *)"arrowtensor-release", NULL};
  if ((*java_vm)->AttachCurrentThreadAsDaemon(java_vm, &env, &args) != JNI_OK) {
    return NULL;
  }
  if (!thread_slot_fill(attached_slot, &attached_slot)) {
    (*java_vm)->DetachCurrentThread(java_vm);
    return NULL;
  }
  atomic_fetch_add(&attached_threads, 1);
  return env;
}

static void leave_java(void) { atomic_fetch_sub(&inside, 1); }

/* As current_env; unless that is NULL, leave_java() follows. */
static JNIEnv *enter_java(void) {
  atomic_fetch_add(&inside, 1);
  JNIEnv *env = current_env();
  if (env == NULL) {
    leave_java();
  }
  return env;
}

/* ---- Callbacks: run on any thread, inside anyone's code -------------------------------------- */

/* An exception may be pending: the caller may be a native method of another library. */
static jthrowable put_aside(JNIEnv *env) {
  jthrowable pending = (*env)->ExceptionCheck(env) ? (*env)->ExceptionOccurred(env) : NULL;
  if (pending != NULL) {
    (*env)->ExceptionClear(env);
  }
  return pending;
}

/* Whether the call into Java threw. Its exception is printed and goes no further. */
static bool restore(JNIEnv *env, jthrowable pending) {
  bool threw = (*env)->ExceptionCheck(env);
  if (threw) {
    (*env)->ExceptionDescribe(env);
    (*env)->ExceptionClear(env);
  }
  if (pending != NULL) {
    (*env)->Throw(env, pending);
    (*env)->DeleteLocalRef(env, pending);
  }
  return threw;
}

/*
 * Drops a reference. The last one releases the owner and frees the block; without a virtual machine
 * the block is leaked.
 */
static void drop(void *payload) {
  if (payload == NULL) {
    return;
  }
  export_header *header = header_of(payload);
  if (atomic_fetch_sub(&header->more, 1) > 0) {
    return;
  }
  if (header->owner != NULL) {
    JNIEnv *env = enter_java();
    if (env == NULL) {
      return;
    }
    jthrowable pending = put_aside(env);
    (*env)->CallVoidMethod(env, header->owner, owner_release);
    restore(env, pending);
    (*env)->DeleteGlobalRef(env, header->owner); /* allowed while an exception is pending */
    leave_java();
  }
  free(header);
}

/* The answer of the block's owner, or -1 when Java is gone or threw, which it should not. */
static int64_t call_owner(void *payload, int64_t operation, void *argument) {
  JNIEnv *env = enter_java();
  if (env == NULL) {
    return -1;
  }
  jthrowable pending = put_aside(env);
  jlong answer = (*env)->CallLongMethod(env, header_of(payload)->owner, owner_call,
                                        (jlong)operation, (jlong)(intptr_t)argument);
  bool threw = restore(env, pending);
  leave_java();
  return threw ? -1 : answer;
}

/* The leading fields of DLManagedTensorVersioned, stable across major versions of DLPack. */
typedef struct {
  uint32_t version[2];
  void *manager_ctx;
  void (*deleter)(void *);
} dlpack_versioned;

/* DLManagedTensor: the context follows the 48 bytes of a DLTensor. */
typedef struct {
  char dl_tensor[48];
  void *manager_ctx;
  void (*deleter)(void *);
} dlpack_unversioned;

static void delete_versioned(dlpack_versioned *self) {
  if (self != NULL) {
    drop(self->manager_ctx);
  }
}

static void delete_unversioned(dlpack_unversioned *self) {
  if (self != NULL) {
    drop(self->manager_ctx);
  }
}

/* ArrowArray and ArrowSchema of the Arrow C Data Interface. */
struct arrow_array {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct arrow_array **children;
  struct arrow_array *dictionary;
  void (*release)(struct arrow_array *);
  void *private_data;
};

struct arrow_schema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct arrow_schema **children;
  struct arrow_schema *dictionary;
  void (*release)(struct arrow_schema *);
  void *private_data;
};

/*
 * A child whose release is NULL was moved out by the consumer and is no longer ours. The struct may
 * lie in the block that it drops, so it is marked released first.
 */
#define DEFINE_ARROW_RELEASE(name, type)                                                     \
  static void name(struct type *self) {                                                      \
    for (int64_t i = 0; i < self->n_children; i++) {                                         \
      struct type *child = self->children[i];                                                \
      if (child != NULL && child->release != NULL) {                                         \
        child->release(child);                                                               \
      }                                                                                      \
    }                                                                                        \
    if (self->dictionary != NULL && self->dictionary->release != NULL) {                     \
      self->dictionary->release(self->dictionary);                                           \
    }                                                                                        \
    void *payload = self->private_data;                                                      \
    self->release = NULL;                                                                    \
    self->private_data = NULL;                                                               \
    drop(payload);                                                                           \
  }

DEFINE_ARROW_RELEASE(release_array, arrow_array)
DEFINE_ARROW_RELEASE(release_schema, arrow_schema)

/* ArrowArrayStream, and ArrowDeviceArrayStream, which is the same behind its device type. */
#define STREAM_FIELDS(type)                                                                  \
  int (*get_schema)(struct type *, void *), (*get_next)(struct type *, void *);              \
  const char *(*get_last_error)(struct type *);                                              \
  void (*release)(struct type *), *private_data;

struct arrow_stream {
  STREAM_FIELDS(arrow_stream)
};

struct arrow_device_stream {
  int32_t device_type;
  STREAM_FIELDS(arrow_device_stream)
};

/* The owner answers with numbers of errno.h; -1 is the end of Java. */
static int errno_of(int64_t answer) { return answer < 0 ? ECANCELED : (int)answer; }

/* The owner leaves the message of its last error, or an empty one, at the start of the payload. */
#define DEFINE_STREAM(name, type)                                                            \
  static int name##_schema(struct type *self, void *out) {                                   \
    return errno_of(call_owner(self->private_data, KIND(STREAM_SCHEMA), out));               \
  }                                                                                          \
  static int name##_next(struct type *self, void *out) {                                     \
    return errno_of(call_owner(self->private_data, KIND(STREAM_NEXT), out));                 \
  }                                                                                          \
  static const char *name##_last_error(struct type *self) { return self->private_data; }     \
  static void name##_release(struct type *self) {                                            \
    void *payload = self->private_data;                                                      \
    self->release = NULL;                                                                    \
    self->private_data = NULL;                                                               \
    drop(payload);                                                                           \
  }

DEFINE_STREAM(stream, arrow_stream)
DEFINE_STREAM(device_stream, arrow_device_stream)

#include "capsules.h"

/* ---- Methods of io.arrowtensor.internal.Native ----------------------------------------------- */

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_io_arrowtensor_internal_Native_##name

static void *pointer(jlong address) { return (void *)(intptr_t)address; }

static jlong address(const void *pointer) { return (jlong)(intptr_t)pointer; }

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK) {
    return JNI_ERR;
  }
  jclass owner = (*env)->FindClass(env, "io/arrowtensor/internal/Owner");
  if (owner == NULL) {
    return JNI_ERR;
  }
  owner_release = (*env)->GetMethodID(env, owner, "release", "()V");
  owner_call = (*env)->GetMethodID(env, owner, "call", "(JJ)J");
  (*env)->DeleteLocalRef(env, owner);
  if (owner_release == NULL || owner_call == NULL || atexit(end_process) != 0 ||
      !thread_slot_create(&attached_slot, detach_ending_thread)) {
    return JNI_ERR;
  }
  java_vm = vm;
  return JNI_VERSION_10;
}

/*
 * The loader was collected, so no export is alive and no thread will be attached by this copy any
 * more. Slots are few (1024 a process): given back unless a thread still needs its destructor.
 */
JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
  (void)vm, (void)reserved;
  if (atomic_load(&attached_threads) == 0) {
    thread_slot_delete(attached_slot);
  }
}

NATIVE(jlong, allocate)(JNIEnv *env, jclass type, jlong bytes, jlong alignment) {
  (void)env, (void)type;
  return bytes < 0 ? 0 : address(memory_allocate((size_t)bytes, (size_t)alignment));
}

NATIVE(void, free)(JNIEnv *env, jclass type, jlong memory) {
  (void)env, (void)type;
  memory_free(pointer(memory));
}

NATIVE(jlong, newExport)(JNIEnv *env, jclass type, jobject owner, jlong bytes) {
  (void)type;
  if (bytes < 0) {
    return 0;
  }
  export_header *header = malloc(sizeof(export_header) + (size_t)bytes);
  if (header == NULL) {
    return 0;
  }
  atomic_init(&header->more, 0);
  header->owner = owner == NULL ? NULL : (*env)->NewGlobalRef(env, owner);
  if (header->owner == NULL && owner != NULL) {
    free(header);
    return 0;
  }
  /* Not calloc, which misses the fast path of glibc's malloc. */
  return address(memset(header + 1, 0, (size_t)bytes));
}

NATIVE(void, freeExport)(JNIEnv *env, jclass type, jlong payload) {
  (void)type;
  export_header *header = header_of(pointer(payload));
  if (header->owner != NULL) {
    (*env)->DeleteGlobalRef(env, header->owner);
  }
  free(header);
}

NATIVE(jlong, callback)(JNIEnv *env, jclass type, jint kind) {
  (void)env, (void)type;
  const intptr_t callbacks[] = {
      [KIND(DLPACK_VERSIONED_DELETER)] = (intptr_t)delete_versioned,
      [KIND(DLPACK_UNVERSIONED_DELETER)] = (intptr_t)delete_unversioned,
      [KIND(ARROW_ARRAY_RELEASE)] = (intptr_t)release_array,
      [KIND(ARROW_SCHEMA_RELEASE)] = (intptr_t)release_schema,
      [KIND(ARROW_STREAM)] = (intptr_t)stream_schema,
      (intptr_t)stream_next, (intptr_t)stream_last_error, (intptr_t)stream_release,
      [KIND(ARROW_DEVICE_STREAM)] = (intptr_t)device_stream_schema, (intptr_t)device_stream_next,
      (intptr_t)device_stream_last_error, (intptr_t)device_stream_release,
      [KIND(PYTHON_TABLE)] = (intptr_t)&python, [KIND(EXPORT_DROP)] = (intptr_t)drop,
      [KIND(END_CALLBACKS)] = (intptr_t)end_callbacks,
  };
  return kind >= 0 && kind < (jint)(sizeof callbacks / sizeof *callbacks) ? callbacks[kind] : 0;
}

NATIVE(jlong, call)
(JNIEnv *env, jclass type, jlong function, jlong a0, jlong a1, jlong a2, jlong a3, jlong a4,
 jlong a5, jlong a6, jlong a7, jlong a8) {
  (void)env, (void)type;
  typedef jlong (*nine)(jlong, jlong, jlong, jlong, jlong, jlong, jlong, jlong, jlong);
  return ((nine)(intptr_t)function)(a0, a1, a2, a3, a4, a5, a6, a7, a8);
}

NATIVE(jlong, open)(JNIEnv *env, jclass type, jlong path) {
  (void)env, (void)type;
  return address(library_open(pointer(path)));
}

NATIVE(jlong, symbol)(JNIEnv *env, jclass type, jlong library, jlong name) {
  (void)env, (void)type;
  return address(library_symbol(pointer(library), pointer(name)));
}

NATIVE(jobject, byteBuffer)(JNIEnv *env, jclass type, jlong memory, jlong bytes) {
  (void)type;
  return (*env)->NewDirectByteBuffer(env, pointer(memory), bytes);
}
