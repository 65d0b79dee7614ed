/*
 * A test double of NVIDIA's driver library, libcuda.so.1, for machines without one: the functions
 * that CudaBackend calls, over two pretended devices. It proves what is called in which order, and
 * nothing about a real driver.
 *
 * Memory of a device lies apart: any access to it outside of a copy faults and ends the process.
 * A stream does nothing until someone waits for it, and streams wait for each other only where they
 * were told to: whoever forgets to wait copies bytes that are not there yet. Not thread-safe but for
 * contexts and per-thread streams, which are the calling thread's as CUDA's are.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT(name) \
  __attribute__((visibility("default"))) int64_t name
#define POINTER(address) ((void *)(intptr_t)(address))

enum { INVALID_VALUE = 1, NOT_INITIALIZED = 3, INVALID_CONTEXT = 201, INVALID_HANDLE = 400 };
enum { DEVICES = 2, ALLOCATIONS = 64, OPS = 64, STREAMS = 8, EVENTS = 64, DEPTH = 8, PAGE = 4096, THREADS = 16,
       ALIGNMENT = 256 };

struct stream;

struct event {
  struct stream *stream;
  int position, alive;
};

struct op {
  void *to;
  const void *from; /* NULL to fill */
  size_t bytes;
  int value;
  struct event after; /* what to wait for; nothing is copied then */
};

struct stream {
  struct op ops[OPS];
  int count, done;
};

static struct {
  char *base;
  size_t bytes;
  int device;
} allocations[ALLOCATIONS];

static void *pinned[ALLOCATIONS];
static struct stream streams[STREAMS], legacy[DEVICES], per_thread[THREADS][DEVICES];
static struct event events[EVENTS];
static char calls[16384];
static char failing[64];
static int failure, initialized;
static int contexts[DEVICES]; /* a context's handle is the address of its number */
static _Thread_local int *current[DEPTH];
static _Thread_local int depth;
static int threads; /* that have used a per-thread stream, which stays theirs */
static _Thread_local int thread; /* their number, from 1 */

/* ---- What tests ask and tell ----------------------------------------------------------------- */

/* Forgets all work and all calls; allocations stay. */
EXPORT(cuda_double_reset)(void) {
  memset(streams, 0, sizeof streams);
  memset(legacy, 0, sizeof legacy);
  memset(per_thread, 0, sizeof per_thread);
  memset(events, 0, sizeof events);
  calls[0] = failing[0] = 0;
  return 0;
}

/* The names of the functions called since the last reset, a line each. */
EXPORT(cuda_double_calls)(void) { return (int64_t)(intptr_t)calls; }

EXPORT(cuda_double_forget_calls)(void) { return calls[0] = 0; }

/* Lets each call of a function fail with a status. */
EXPORT(cuda_double_fail)(int64_t function, int64_t status) {
  snprintf(failing, sizeof failing, "%s", (const char *)POINTER(function));
  failure = (int)status;
  return 0;
}

EXPORT(cuda_double_allocations)(void) {
  int count = 0;
  for (int i = 0; i < ALLOCATIONS; i++) {
    count += (allocations[i].base != NULL) + (pinned[i] != NULL);
  }
  return count;
}

EXPORT(cuda_double_live_events)(void) {
  int count = 0;
  for (int i = 0; i < EVENTS; i++) {
    count += events[i].alive;
  }
  return count;
}

/* The handle of a stream. */
EXPORT(cuda_double_stream)(int64_t index) { return (int64_t)(intptr_t)&streams[index]; }

/* The context of a device becomes the calling thread's current one, and no more. */
EXPORT(cuda_double_push)(int64_t device) {
  contexts[device] = (int)device;
  current[depth++] = &contexts[device];
  return 0;
}

EXPORT(cuda_double_pop)(void) {
  depth--;
  return 0;
}

/* How deep the calling thread's stack of contexts is. */
EXPORT(cuda_double_depth)(void) { return depth; }

/* ---- Streams --------------------------------------------------------------------------------- */

static int allocation_of(const void *address, size_t bytes) {
  for (int i = 0; i < ALLOCATIONS; i++) {
    const char *base = allocations[i].base;
    if (base != NULL && (const char *)address >= base &&
        (const char *)address + bytes <= base + allocations[i].bytes) {
      return i;
    }
  }
  return -1;
}

static void protect(const void *address, size_t bytes, int rights) {
  int i = address == NULL ? -1 : allocation_of(address, bytes);
  if (i >= 0 &&
      mprotect(allocations[i].base - ALIGNMENT, allocations[i].bytes + ALIGNMENT, rights) != 0) {
    abort();
  }
}

static void copy(struct op *op) {
  protect(op->to, op->bytes, PROT_READ | PROT_WRITE);
  protect(op->from, op->bytes, PROT_READ | PROT_WRITE);
  if (op->from == NULL) {
    memset(op->to, op->value, op->bytes);
  } else {
    memmove(op->to, op->from, op->bytes);
  }
  protect(op->to, op->bytes, PROT_NONE);
  protect(op->from, op->bytes, PROT_NONE);
}

static void run(struct stream *stream, int until) {
  while (stream->done < until) {
    struct op *op = &stream->ops[stream->done++ % OPS];
    if (op->after.stream != NULL) {
      run(op->after.stream, op->after.position);
    } else {
      copy(op);
    }
  }
}

static struct stream *stream_of(int64_t handle) {
  if (handle == 1) {
    return &legacy[*current[depth - 1]];
  }
  if (handle == 2) {
    thread = thread == 0 ? ++threads : thread;
    return thread > THREADS ? NULL : &per_thread[thread - 1][*current[depth - 1]];
  }
  struct stream *stream = POINTER(handle);
  return stream >= streams && stream < streams + STREAMS ? stream : NULL;
}

static int enqueue(int64_t handle, struct op op) {
  struct stream *stream = stream_of(handle);
  if (stream == NULL || stream->count - stream->done == OPS) {
    return INVALID_HANDLE;
  }
  stream->ops[stream->count++ % OPS] = op;
  return 0;
}

/* What an engine's kernel does: fills memory when its stream comes to it. */
EXPORT(cuda_double_write_later)(int64_t stream, int64_t to, int64_t value, int64_t bytes) {
  return enqueue(stream, (struct op){.to = POINTER(to), .value = (int)value, .bytes = (size_t)bytes});
}

/* The bytes that a device has now. */
EXPORT(cuda_double_peek)(int64_t from, int64_t to, int64_t bytes) {
  copy(&(struct op){.to = POINTER(to), .from = POINTER(from), .bytes = (size_t)bytes});
  return 0;
}

/* ---- The driver API -------------------------------------------------------------------------- */

static int called(const char *function) {
  if (strlen(calls) + strlen(function) + 2 > sizeof calls) {
    calls[0] = 0; /* nobody asks */
  }
  strcat(strcat(calls, function), "\n");
  return strcmp(failing, function) == 0 ? failure : 0;
}

#define CALLED()                         \
  do {                                   \
    int status_ = called(__func__);      \
    if (status_ == 0 && !initialized) {  \
      status_ = NOT_INITIALIZED;         \
    }                                    \
    if (status_ != 0) {                  \
      return status_;                    \
    }                                    \
  } while (0)

#define CALLED_IN_CONTEXT()   \
  do {                        \
    CALLED();                 \
    if (depth == 0) {         \
      return INVALID_CONTEXT; \
    }                         \
  } while (0)

EXPORT(cuInit)(int64_t flags) {
  int status = called("cuInit");
  initialized = status == 0 && flags == 0;
  return status;
}

EXPORT(cuGetErrorName)(int64_t status, int64_t out) {
  const char *name = status == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : NULL;
  *(const char **)POINTER(out) = name;
  return name == NULL ? INVALID_VALUE : 0;
}

EXPORT(cuDeviceGetCount)(int64_t out) {
  CALLED();
  *(int *)POINTER(out) = DEVICES;
  return 0;
}

EXPORT(cuDeviceGet)(int64_t out, int64_t ordinal) {
  CALLED();
  *(int *)POINTER(out) = (int)ordinal;
  return 0;
}

EXPORT(cuDevicePrimaryCtxRetain)(int64_t out, int64_t device) {
  CALLED();
  contexts[device] = (int)device;
  *(int **)POINTER(out) = &contexts[device];
  return 0;
}

EXPORT(cuCtxPushCurrent_v2)(int64_t context) {
  CALLED();
  if (depth == DEPTH) {
    abort();
  }
  current[depth++] = POINTER(context);
  return 0;
}

EXPORT(cuCtxPopCurrent_v2)(int64_t out) {
  CALLED_IN_CONTEXT();
  *(int **)POINTER(out) = current[--depth];
  return 0;
}

static size_t mapped(int64_t bytes) {
  return ((size_t)bytes + ALIGNMENT + PAGE - 1) / PAGE * PAGE;
}

EXPORT(cuMemAlloc_v2)(int64_t out, int64_t bytes) {
  CALLED_IN_CONTEXT();
  for (int i = 0; i < ALLOCATIONS; i++) {
    if (allocations[i].base == NULL && bytes > 0) {
      char *base = mmap(NULL, mapped(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (base == MAP_FAILED) {
        return 2;
      }
      base += ALIGNMENT; /* as CUDA's, aligned so far and no further */
      allocations[i].base = base;
      allocations[i].bytes = (size_t)bytes;
      allocations[i].device = *current[depth - 1];
      *(void **)POINTER(out) = base;
      return 0;
    }
  }
  return INVALID_VALUE;
}

EXPORT(cuMemFree_v2)(int64_t address) {
  CALLED_IN_CONTEXT();
  int i = allocation_of(POINTER(address), 1);
  if (i < 0 || allocations[i].base != POINTER(address)) {
    return INVALID_VALUE;
  }
  munmap(allocations[i].base - ALIGNMENT, mapped((int64_t)allocations[i].bytes));
  allocations[i].base = NULL;
  return 0;
}

EXPORT(cuMemHostAlloc)(int64_t out, int64_t bytes, int64_t flags) {
  CALLED_IN_CONTEXT();
  for (int i = 0; i < ALLOCATIONS; i++) {
    if (pinned[i] == NULL && bytes > 0 && flags == 1) {
      *(void **)POINTER(out) = pinned[i] = aligned_alloc(PAGE, mapped(bytes));
      return pinned[i] == NULL ? 2 : 0;
    }
  }
  return INVALID_VALUE;
}

EXPORT(cuMemFreeHost)(int64_t address) {
  CALLED_IN_CONTEXT();
  for (int i = 0; i < ALLOCATIONS; i++) {
    if (pinned[i] == POINTER(address)) {
      free(pinned[i]);
      pinned[i] = NULL;
      return 0;
    }
  }
  return INVALID_VALUE;
}

static int enqueue_copy(int64_t to, int64_t from, int64_t bytes, int64_t stream, int device_to,
                        int device_from) {
  struct op op = {.to = POINTER(to), .from = POINTER(from), .bytes = (size_t)bytes};
  if ((allocation_of(op.to, op.bytes) >= 0) != device_to ||
      (allocation_of(op.from, op.bytes) >= 0) != device_from) {
    return INVALID_VALUE;
  }
  return enqueue(stream, op);
}

EXPORT(cuMemcpyAsync)(int64_t to, int64_t from, int64_t bytes, int64_t stream) {
  CALLED_IN_CONTEXT();
  return enqueue_copy(to, from, bytes, stream, 0, 0);
}

EXPORT(cuMemcpyHtoDAsync_v2)(int64_t to, int64_t from, int64_t bytes, int64_t stream) {
  CALLED_IN_CONTEXT();
  return enqueue_copy(to, from, bytes, stream, 1, 0);
}

EXPORT(cuMemcpyDtoHAsync_v2)(int64_t to, int64_t from, int64_t bytes, int64_t stream) {
  CALLED_IN_CONTEXT();
  return enqueue_copy(to, from, bytes, stream, 0, 1);
}

EXPORT(cuMemcpyDtoDAsync_v2)(int64_t to, int64_t from, int64_t bytes, int64_t stream) {
  CALLED_IN_CONTEXT();
  return enqueue_copy(to, from, bytes, stream, 1, 1);
}

EXPORT(cuMemcpyPeerAsync)(int64_t to, int64_t to_context, int64_t from, int64_t from_context,
                          int64_t bytes, int64_t stream) {
  CALLED_IN_CONTEXT();
  if (allocation_of(POINTER(to), 1) < 0 || allocation_of(POINTER(from), 1) < 0 ||
      allocations[allocation_of(POINTER(to), 1)].device != *(int *)POINTER(to_context) ||
      allocations[allocation_of(POINTER(from), 1)].device != *(int *)POINTER(from_context)) {
    return INVALID_CONTEXT;
  }
  return enqueue_copy(to, from, bytes, stream, 1, 1);
}

EXPORT(cuStreamSynchronize)(int64_t handle) {
  CALLED_IN_CONTEXT();
  struct stream *stream = stream_of(handle);
  if (stream == NULL) {
    return INVALID_HANDLE;
  }
  run(stream, stream->count);
  return 0;
}

EXPORT(cuStreamWaitEvent)(int64_t stream, int64_t event, int64_t flags) {
  CALLED_IN_CONTEXT();
  struct event *waited = POINTER(event);
  if (flags != 0 || waited < events || waited >= events + EVENTS || !waited->alive) {
    return INVALID_HANDLE;
  }
  return waited->stream == NULL ? 0 : enqueue(stream, (struct op){.after = *waited});
}

EXPORT(cuEventCreate)(int64_t out, int64_t flags) {
  CALLED_IN_CONTEXT();
  for (int i = 0; i < EVENTS && flags == 2; i++) {
    if (!events[i].alive) {
      events[i] = (struct event){.alive = 1};
      *(struct event **)POINTER(out) = &events[i];
      return 0;
    }
  }
  return INVALID_VALUE;
}

EXPORT(cuEventRecord)(int64_t handle, int64_t stream) {
  CALLED_IN_CONTEXT();
  struct event *event = POINTER(handle);
  if (stream_of(stream) == NULL) {
    return INVALID_HANDLE;
  }
  event->stream = stream_of(stream);
  event->position = event->stream->count;
  return 0;
}

EXPORT(cuEventSynchronize)(int64_t handle) {
  CALLED_IN_CONTEXT();
  struct event *event = POINTER(handle);
  if (!event->alive) {
    return INVALID_HANDLE;
  }
  if (event->stream != NULL) {
    run(event->stream, event->position);
  }
  return 0;
}

EXPORT(cuEventDestroy_v2)(int64_t handle) {
  CALLED_IN_CONTEXT();
  ((struct event *)POINTER(handle))->alive = 0;
  return 0;
}

EXPORT(cuPointerGetAttribute)(int64_t out, int64_t attribute, int64_t address) {
  CALLED_IN_CONTEXT();
  int i = allocation_of(POINTER(address), 1);
  if (i < 0 || attribute != 9) {
    return INVALID_VALUE;
  }
  *(int *)POINTER(out) = allocations[i].device;
  return 0;
}
