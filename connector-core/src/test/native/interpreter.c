/*
 * Stands in for Python's interpreter, which the Java tests do not have: a lock that counts, and
 * objects that are no more than their reference count.
 */
#include <stdatomic.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

static const int STATE = 7;
static atomic_long holders, violations;

EXPORT int interpreter_ensure(void);
int interpreter_ensure(void) {
  atomic_fetch_add(&holders, 1);
  return STATE;
}

EXPORT void interpreter_release(int state);
void interpreter_release(int state) {
  if (state != STATE || atomic_fetch_sub(&holders, 1) < 1) {
    atomic_fetch_add(&violations, 1);
  }
}

EXPORT void interpreter_decref(int64_t *object);
void interpreter_decref(int64_t *object) {
  if (atomic_load(&holders) < 1) {
    atomic_fetch_add(&violations, 1);
  }
  --*object;
}

/* Calls without the lock, or locks that were not given back. */
EXPORT int64_t interpreter_violations(void);
int64_t interpreter_violations(void) { return atomic_load(&violations) + atomic_load(&holders); }
