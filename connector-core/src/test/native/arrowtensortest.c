/*
 * What tests need from C: foreign threads, a pending exception, and the end of the process. Each
 * function takes and returns 64-bit integers, so that Native.call reaches it.
 */
#define _GNU_SOURCE
#include <jni.h>
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef void (*callback)(void *);

struct task {
  callback function;
  void *argument;
};

static void *run_task(void *task) {
  struct task *self = task;
  self->function(self->argument);
  return NULL;
}

/* Runs function(argument) on a new thread and waits for the thread's end. 0 when it ran. */
EXPORT int64_t on_thread(int64_t function, int64_t argument);
int64_t on_thread(int64_t function, int64_t argument) {
  struct task task = {(callback)(intptr_t)function, (void *)(intptr_t)argument};
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_task, &task) != 0) {
    return -1;
  }
  return pthread_join(thread, NULL);
}

enum { WAVE = 16 };

/* Runs function(arguments[i]) on a thread each, WAVE at a time. The number of threads that ran. */
EXPORT int64_t on_threads(int64_t function, int64_t arguments, int64_t count);
int64_t on_threads(int64_t function, int64_t arguments, int64_t count) {
  void **argument = (void **)(intptr_t)arguments;
  int64_t done = 0;
  while (done < count) {
    pthread_t threads[WAVE];
    struct task tasks[WAVE];
    int started = 0;
    while (started < WAVE && done + started < count) {
      tasks[started] = (struct task){(callback)(intptr_t)function, argument[done + started]};
      if (pthread_create(&threads[started], NULL, run_task, &tasks[started]) != 0) {
        return done;
      }
      started++;
    }
    for (int i = 0; i < started; i++) {
      pthread_join(threads[i], NULL);
    }
    done += started;
  }
  return done;
}

/* Calls function(argument) on this thread while a Java IllegalStateException("pending") is set. */
EXPORT int64_t with_pending_exception(int64_t function, int64_t argument);
int64_t with_pending_exception(int64_t function, int64_t argument) {
  jint (*created)(JavaVM **, jsize, jsize *);
  *(void **)&created = dlsym(RTLD_DEFAULT, "JNI_GetCreatedJavaVMs");
  JavaVM *vm;
  jsize count;
  void *loaded;
  if (created == NULL || created(&vm, 1, &count) != JNI_OK || count != 1 ||
      (*vm)->GetEnv(vm, &loaded, JNI_VERSION_10) != JNI_OK) {
    return -1;
  }
  JNIEnv *env = loaded;
  jclass type = (*env)->FindClass(env, "java/lang/IllegalStateException");
  if (type == NULL || (*env)->ThrowNew(env, type, "pending") != 0) {
    return -1;
  }
  ((callback)(intptr_t)function)((void *)(intptr_t)argument);
  return 0;
}

static void say(const char *text, size_t bytes) {
  ssize_t written = write(STDOUT_FILENO, text, bytes);
  (void)written;
}

static struct task exit_task;

static void run_exit_task(void) {
  exit_task.function(exit_task.argument);
  say("deleter returned at exit\n", 25);
}

/* Runs function(argument) when the process exits. */
EXPORT int64_t at_exit(int64_t function, int64_t argument);
int64_t at_exit(int64_t function, int64_t argument) {
  exit_task = (struct task){(callback)(intptr_t)function, (void *)(intptr_t)argument};
  return atexit(run_exit_task);
}

static struct {
  callback function;
  void *first, *second;
  sem_t attached, exiting;
  pthread_t thread;
  int started;
} worker;

static void *run_worker(void *unused) {
  (void)unused;
  worker.function(worker.first);
  sem_post(&worker.attached);
  while (sem_wait(&worker.exiting) != 0) {
  }
  worker.function(worker.second);
  say("deleter returned on a thread at exit\n", 37);
  return NULL;
}

/* Waits for the worker as a library with a pool of threads does. */
static void end_worker(void) {
  if (worker.started) {
    worker.started = 0;
    sem_post(&worker.exiting);
    pthread_join(worker.thread, NULL);
    say("thread ended at exit\n", 21);
  }
}

/* For a library that was loaded before the one under test: exit handlers run last one first. */
__attribute__((constructor)) static void register_end_of_worker(void) { atexit(end_worker); }

/*
 * A thread that calls function(first) now, function(second) when the process exits, and then ends.
 * The process waits for it in an exit handler: one that was registered when this library was
 * loaded, or, if late is not 0, now.
 */
EXPORT int64_t on_thread_at_exit(int64_t function, int64_t first, int64_t second, int64_t late);
int64_t on_thread_at_exit(int64_t function, int64_t first, int64_t second, int64_t late) {
  worker.function = (callback)(intptr_t)function;
  worker.first = (void *)(intptr_t)first;
  worker.second = (void *)(intptr_t)second;
  if (sem_init(&worker.attached, 0, 0) != 0 || sem_init(&worker.exiting, 0, 0) != 0 ||
      pthread_create(&worker.thread, NULL, run_worker, NULL) != 0) {
    return -1;
  }
  worker.started = 1;
  while (sem_wait(&worker.attached) != 0) {
  }
  return late ? atexit(end_worker) : 0;
}

/* Nine different weights, so that a swapped or lost argument shows. */
EXPORT int64_t weigh(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
                     int64_t h, int64_t i);
int64_t weigh(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
              int64_t h, int64_t i) {
  return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f + 1000000 * g + 10000000 * h +
         100000000 * i;
}

/*
 * Release callbacks for hand-written C Data structs whose counts may lie: each adds one to the
 * int64_t at private_data and walks nothing.
 */
EXPORT int64_t count_schema_release(int64_t schema);
int64_t count_schema_release(int64_t schema) {
  int64_t *fields = (int64_t *)(intptr_t)schema;
  ++*(int64_t *)(intptr_t)fields[8];
  return fields[7] = 0;
}

EXPORT int64_t count_array_release(int64_t array);
int64_t count_array_release(int64_t array) {
  int64_t *fields = (int64_t *)(intptr_t)array;
  ++*(int64_t *)(intptr_t)fields[9];
  return fields[8] = 0;
}
