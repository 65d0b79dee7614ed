/*
 * What differs between operating systems, and nothing else. POSIX today; a port adds its own
 * branch here.
 */
#ifndef ARROWTENSOR_PLATFORM_H
#define ARROWTENSOR_PLATFORM_H

#if !defined(__unix__) && !defined(__APPLE__)
#error "arrowtensor: no port to this operating system; add one to platform.h"
#endif

#define _POSIX_C_SOURCE 200809L /* so this header comes before any other */

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* A slot per thread whose destructor runs when a thread that filled it ends. */
typedef pthread_key_t thread_slot;

static inline int thread_slot_create(thread_slot *slot, void (*destructor)(void *)) {
  return pthread_key_create(slot, destructor) == 0;
}

static inline int thread_slot_fill(thread_slot slot, void *value) {
  return pthread_setspecific(slot, value) == 0;
}

static inline void thread_slot_delete(thread_slot slot) { pthread_key_delete(slot); }

/* Memory at a multiple of alignment (a power of two, at least a pointer's size), or NULL. */
static inline void *memory_allocate(size_t bytes, size_t alignment) {
  void *memory = NULL;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

static inline void memory_free(void *memory) { free(memory); }

/* A library by path, or the process itself for NULL. NULL when it cannot be opened. */
static inline void *library_open(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }

static inline void *library_symbol(void *library, const char *name) { return dlsym(library, name); }

#endif
