/* A release function that counts its calls, as a producer of structs written in C has one. */
#include <stdatomic.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

static atomic_long calls;
static atomic_intptr_t last;

EXPORT void count_call(void *argument);
void count_call(void *argument) {
  atomic_store(&last, (intptr_t)argument);
  atomic_fetch_add(&calls, 1);
}

EXPORT int64_t calls_counted(void);
int64_t calls_counted(void) { return atomic_load(&calls); }

EXPORT int64_t last_argument(void);
int64_t last_argument(void) { return atomic_load(&last); }
