/*
 * The callbacks against a double of the virtual machine: a JavaVM and a JNIEnv whose few functions
 * count what they are asked for. It stands in where a real one cannot be watched by the address
 * sanitizer, or cannot be made to fail at will; the tests in Java run on a real one.
 */
#include "../../main/native/arrowtensor.c"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8 };

static struct {
  atomic_int references, released, attached, detached, described;
  atomic_int gone;       /* the virtual machine no longer attaches anyone */
  atomic_int out_of_memory;
  atomic_int throwing;   /* release() throws */
} vm;

static _Thread_local jthrowable thrown;
static _Thread_local int is_attached;
static int wrong;

static const struct JNINativeInterface_ *env_functions;

static jobject JNICALL new_global_ref(JNIEnv *env, jobject object) {
  (void)env;
  if (vm.out_of_memory) {
    return NULL;
  }
  vm.references++;
  return object;
}

static void JNICALL delete_global_ref(JNIEnv *env, jobject object) {
  (void)env, (void)object;
  vm.references--;
}

static void JNICALL delete_local_ref(JNIEnv *env, jobject object) { (void)env, (void)object; }

static jboolean JNICALL exception_check(JNIEnv *env) {
  (void)env;
  return thrown != NULL;
}

static jthrowable JNICALL exception_occurred(JNIEnv *env) {
  (void)env;
  return thrown;
}

static void JNICALL exception_clear(JNIEnv *env) {
  (void)env;
  thrown = NULL;
}

static void JNICALL exception_describe(JNIEnv *env) {
  (void)env;
  vm.described++;
}

static jint JNICALL throw_again(JNIEnv *env, jthrowable exception) {
  (void)env;
  thrown = exception;
  return 0;
}

static void JNICALL call_void_method(JNIEnv *env, jobject object, jmethodID method, ...) {
  (void)env, (void)method;
  if (thrown != NULL) {
    printf("wrong: a method is called while an exception is pending\n");
    wrong++;
  }
  vm.released++;
  if (vm.throwing) {
    thrown = object;
  }
}

/* Answers with the sum of the operation and the number at the argument. */
static jlong JNICALL call_long_method(JNIEnv *env, jobject object, jmethodID method, ...) {
  (void)env, (void)method;
  va_list arguments;
  va_start(arguments, method);
  jlong operation = va_arg(arguments, jlong);
  int *number = pointer(va_arg(arguments, jlong));
  va_end(arguments);
  if (vm.throwing) {
    thrown = object;
  }
  return operation + *number;
}

static jint JNICALL get_env(JavaVM *self, void **env, jint version) {
  (void)self, (void)version;
  *env = is_attached && !vm.gone ? (void *)&env_functions : NULL;
  return *env == NULL ? JNI_EDETACHED : JNI_OK;
}

static jint JNICALL attach(JavaVM *self, void **env, void *arguments) {
  (void)self, (void)arguments;
  if (vm.gone) {
    return JNI_ERR;
  }
  is_attached = 1;
  vm.attached++;
  *env = (void *)&env_functions;
  return JNI_OK;
}

static jint JNICALL detach(JavaVM *self) {
  (void)self;
  is_attached = 0;
  vm.detached++;
  return JNI_OK;
}

static const struct JNIInvokeInterface_ vm_functions = {
    .GetEnv = get_env, .AttachCurrentThreadAsDaemon = attach, .DetachCurrentThread = detach};

static const struct JNINativeInterface_ functions = {
    .NewGlobalRef = new_global_ref,
    .DeleteGlobalRef = delete_global_ref,
    .DeleteLocalRef = delete_local_ref,
    .ExceptionCheck = exception_check,
    .ExceptionOccurred = exception_occurred,
    .ExceptionClear = exception_clear,
    .ExceptionDescribe = exception_describe,
    .Throw = throw_again,
    .CallVoidMethod = call_void_method,
    .CallLongMethod = call_long_method};

static const struct JNIInvokeInterface_ *the_vm = &vm_functions;
static const struct JNINativeInterface_ *env_functions = &functions;

static JNIEnv *const env = (JNIEnv *)&env_functions;
static int owner_object, exception_object;

static void expect(int actual, int expected, const char *what) {
  if (actual != expected) {
    wrong++;
    printf("wrong: %s is %d, not %d\n", what, actual, expected);
  }
}

static char *new_export(size_t bytes) {
  return pointer(Java_io_arrowtensor_internal_Native_newExport(env, NULL, (jobject)&owner_object,
                                                               (jlong)bytes));
}

static dlpack_versioned *new_tensor(void) {
  dlpack_versioned *tensor = (dlpack_versioned *)new_export(80);
  tensor->manager_ctx = tensor;
  return tensor;
}

static struct arrow_array *new_array(int64_t children) {
  struct arrow_array *array = (struct arrow_array *)new_export(sizeof *array + 8 * sizeof(void *));
  array->n_children = children;
  array->children = (struct arrow_array **)(array + 1);
  array->release = release_array;
  array->private_data = array;
  return array;
}

static void expect_counts(int references, int released, const char *what) {
  expect(vm.references, references, what);
  expect(vm.released, released, what);
  vm.released = 0;
}

static void check_tensors(void) {
  delete_versioned(new_tensor());
  expect_counts(0, 1, "versioned deleter");
  dlpack_unversioned *tensor = (dlpack_unversioned *)new_export(64);
  tensor->manager_ctx = tensor;
  delete_unversioned(tensor);
  expect_counts(0, 1, "unversioned deleter");
  delete_versioned(NULL);
  delete_unversioned(NULL);
  expect_counts(0, 0, "deleters of nothing");
  Java_io_arrowtensor_internal_Native_freeExport(env, NULL, address(new_tensor()));
  expect_counts(0, 0, "an export that is taken back");
  vm.out_of_memory = 1;
  expect(new_export(80) == NULL, 1, "an export without memory for its reference");
  vm.out_of_memory = 0;
}

static void check_arrays(void) {
  struct arrow_array *parent = new_array(2);
  parent->children[0] = new_array(0);
  parent->children[1] = new_array(0);
  parent->dictionary = new_array(0);
  struct arrow_array moved = *parent->children[0];
  parent->children[0]->release = NULL;
  struct arrow_array base = *parent; /* as a consumer moves it */
  base.release(&base);
  expect(base.release == NULL, 1, "released mark");
  expect_counts(1, 3, "parent without the moved child");
  moved.release(&moved);
  expect_counts(0, 1, "moved child");
}

static void check_exceptions(void) {
  thrown = (jthrowable)&exception_object;
  delete_versioned(new_tensor());
  expect(thrown == (jthrowable)&exception_object, 1, "pending exception restored");
  thrown = NULL;
  vm.throwing = 1;
  delete_versioned(new_tensor());
  vm.throwing = 0;
  expect(thrown == NULL, 1, "exception of release() cleared");
  expect(vm.described, 1, "exceptions described");
  vm.described = 0;
  expect_counts(0, 2, "exceptions");
}

static void check_streams(void) {
  struct arrow_device_stream stream = {.get_schema = device_stream_schema,
                                       .get_next = device_stream_next,
                                       .get_last_error = device_stream_last_error,
                                       .release = device_stream_release,
                                       .private_data = new_export(64)};
  int number = 40;
  expect(stream.get_schema(&stream, &number), 40, "schema");
  expect(stream.get_next(&stream, &number), 41, "next");
  expect(*stream.get_last_error(&stream), 0, "no error");
  strcpy(stream.private_data, "no more rows");
  expect(strcmp(stream.get_last_error(&stream), "no more rows"), 0, "last error");
  vm.throwing = 1;
  expect(stream.get_next(&stream, &number), ECANCELED, "next that throws");
  vm.throwing = 0;
  atomic_store(&process_ending, true);
  expect(stream.get_schema(&stream, &number), ECANCELED, "schema while the machine stops");
  atomic_store(&process_ending, false);
  expect(thrown == NULL, 1, "exception of call() cleared");
  stream.release(&stream);
  expect(stream.release == NULL, 1, "released mark of a stream");
  expect_counts(0, 1, "stream");
}

/* A capsule of the double: a name and a pointer. */
struct capsule {
  const char *name;
  void *pointer;
};

static const char *name_of(void *capsule) { return ((struct capsule *)capsule)->name; }

static void *pointer_of(void *capsule, const char *name) {
  (void)name;
  return ((struct capsule *)capsule)->pointer;
}

/* The exception of the double of Python: one word of three, and how often it was put back. */
static void *in_flight;
static int put_back;

static void fetch_error(void **type, void **value, void **trace) {
  *type = in_flight;
  *value = *trace = NULL;
  in_flight = NULL;
}

static void restore_error(void *type, void *value, void *trace) {
  expect(value == NULL && trace == NULL, 1, "the other words of the exception");
  in_flight = type;
  put_back++;
}

/* A deleter that runs code of Python, which fails in its own way. */
static void delete_in_python(dlpack_versioned *self) {
  expect(in_flight == NULL, 1, "a deleter without an exception in flight");
  in_flight = self;
  delete_versioned(self);
}

static void check_capsule_with_exception(void) {
  dlpack_versioned *tensor = new_tensor();
  tensor->deleter = (void (*)(void *))delete_in_python;
  struct capsule capsule = {"dltensor_versioned", tensor};
  in_flight = &exception_object;
  put_back = 0;
  python.destroy_capsule(&capsule);
  expect(in_flight == &exception_object, 1, "the exception in flight, afterwards");
  expect(put_back, 1, "times that it was put back");
  expect_counts(0, 1, "a capsule that is collected with an exception in flight");
  in_flight = NULL;
}

static void check_capsules(void) {
  python.fetch_error = fetch_error;
  python.restore_error = restore_error;
  python.capsule_name = name_of;
  python.capsule_pointer = pointer_of;
  dlpack_versioned *tensor = new_tensor();
  tensor->deleter = (void (*)(void *))delete_versioned;
  struct capsule capsule = {"used_dltensor_versioned", tensor};
  python.destroy_capsule(&capsule);
  expect_counts(1, 0, "a capsule whose tensor was consumed");
  capsule.name = "dltensor_versioned";
  python.destroy_capsule(&capsule);
  expect_counts(0, 1, "a capsule that nobody consumed");

  struct arrow_stream *stream = memory_allocate(sizeof *stream, 16);
  *stream = (struct arrow_stream){.release = stream_release, .private_data = new_export(64)};
  capsule = (struct capsule){"arrow_array_stream", stream};
  python.destroy_capsule(&capsule);
  expect_counts(0, 1, "a capsule with a stream, and its memory");
  capsule = (struct capsule){"arrow_array", memory_allocate(sizeof(struct arrow_array), 16)};
  memset(capsule.pointer, 0, sizeof(struct arrow_array));
  python.destroy_capsule(&capsule);
  expect_counts(0, 0, "a capsule whose array was moved out, and its memory");
  capsule = (struct capsule){NULL, new_export(64)};
  python.destroy_capsule(&capsule);
  expect_counts(0, 1, "a capsule with a block");
  check_capsule_with_exception();
}

static struct capsule made;

static void *new_capsule(void *pointer, const char *name, void (*destructor)(void *)) {
  made = (struct capsule){name, pointer};
  return vm.out_of_memory || destructor != destroy_capsule ? NULL : &made;
}

static void check_shared_tensor(void) {
  python.new_capsule = new_capsule;
  dlpack_versioned *tensor = new_tensor();
  tensor->deleter = (void (*)(void *))delete_versioned;
  expect(python.share_tensor(tensor) == &made, 1, "a capsule");
  expect(strcmp(made.name, "dltensor_versioned"), 0, "its name");
  expect(made.pointer == tensor, 1, "the tensor itself in it");
  python.share_tensor(tensor);
  python.destroy_capsule(&made);
  tensor->deleter(tensor); /* by the consumer of the other capsule */
  vm.out_of_memory = 1;
  expect(python.share_tensor(tensor) == NULL, 1, "no memory for a capsule");
  vm.out_of_memory = 0;
  expect_counts(1, 0, "a tensor of which all capsules are gone");
  drop(tensor);
  expect_counts(0, 1, "a tensor that its owner dropped too");
}

static void check_end(void) {
  dlpack_versioned *tensor = new_tensor();
  expect((int)end_callbacks(), 0, "callbacks that are in Java");
  delete_versioned(tensor);
  expect_counts(1, 0, "a deleter while the virtual machine stops");
  expect((int)call_owner(tensor, 0, NULL), -1, "a question while the virtual machine stops");
  atomic_fetch_add(&inside, 1);
  expect((int)end_callbacks(), 1, "a callback that is in Java");
  atomic_store(&inside, 0);
  atomic_store(&process_ending, false);
  vm.references = 0;
  free(header_of(tensor)); /* what the deleter had to leak */
}

static void *delete_twice(void *tensors) {
  dlpack_versioned **two = tensors;
  delete_versioned(two[0]);
  delete_versioned(two[1]);
  return NULL;
}

static void run_threads(dlpack_versioned *tensors[THREADS][2]) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    tensors[i][0] = new_tensor();
    tensors[i][1] = new_tensor();
    pthread_create(&threads[i], NULL, delete_twice, tensors[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
}

static void check_threads(void) {
  dlpack_versioned *tensors[THREADS][2];
  run_threads(tensors);
  expect(vm.attached, THREADS, "attached once a thread");
  expect(vm.detached, THREADS, "detached at the thread's end");
  expect(attached_threads, 0, "threads still attached");
  expect_counts(0, 2 * THREADS, "threads");

  vm.gone = 1;
  run_threads(tensors);
  expect(vm.attached, THREADS, "attached after the end of the virtual machine");
  expect_counts(2 * THREADS, 0, "a virtual machine that is gone");
  for (int i = 0; i < THREADS; i++) { /* what the callbacks had to leak */
    free(header_of(tensors[i][0]));
    free(header_of(tensors[i][1]));
  }
}

int main(void) {
  java_vm = (JavaVM *)&the_vm;
  is_attached = 1;
  if (!thread_slot_create(&attached_slot, detach_ending_thread)) {
    return 2;
  }
  check_tensors();
  check_arrays();
  check_exceptions();
  check_streams();
  check_capsules();
  check_shared_tensor();
  check_end();
  check_threads();
  JNI_OnUnload(java_vm, NULL);
  printf("arrowtensor.c: %s\n", wrong == 0 ? "the callbacks hold" : "WRONG");
  return wrong != 0;
}
