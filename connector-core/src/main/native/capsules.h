/*
 * What the Python side works with: calls and capsules. A part of arrowtensor.c, which includes it.
 * Nothing here is linked against Python, which hands its own functions in.
 */
#ifndef ARROWTENSOR_CAPSULES_H
#define ARROWTENSOR_CAPSULES_H

/* Where the deleter or release callback lies in the struct that a capsule of this name holds. */
static const struct capsule_kind {
  const char *name;
  size_t release;
} capsule_kinds[] = {
    {"dltensor", offsetof(dlpack_unversioned, deleter)},
    {"dltensor_versioned", offsetof(dlpack_versioned, deleter)},
    {"arrow_schema", offsetof(struct arrow_schema, release)},
    {"arrow_array", offsetof(struct arrow_array, release)},
    {"arrow_device_array", offsetof(struct arrow_array, release)}, /* it begins with the array */
    {"arrow_array_stream", offsetof(struct arrow_stream, release)},
    {"arrow_device_array_stream", offsetof(struct arrow_device_stream, release)}};

static void destroy_capsule(void *capsule);
static void *share_tensor(dlpack_versioned *tensor);

/* The Python side calls the first three and share_tensor, and fills in the rest, Python's own. */
static struct {
  int64_t (*call_owner)(void *, int64_t, void *);
  void (*drop)(void *);
  void (*destroy_capsule)(void *);
  const struct capsule_kind *kinds;
  const char *(*capsule_name)(void *);
  void *(*capsule_pointer)(void *, const char *);
  void *(*new_capsule)(void *, const char *, void (*)(void *));
  void *(*share_tensor)(dlpack_versioned *);
  void (*fetch_error)(void **, void **, void **);
  void (*restore_error)(void *, void *, void *);
} python = {call_owner, drop, destroy_capsule, capsule_kinds, NULL, NULL,
            NULL, share_tensor, NULL, NULL};

/*
 * In C, as a destructor in Python cannot run at the interpreter's exit. A consumer has renamed the
 * capsule (DLPack) or marked the struct released (Arrow); a capsule without a name holds a payload.
 * Python collects objects with an exception in flight too, and a release may run code of Python:
 * the exception is put aside meanwhile, as DLPack's own destructors do.
 */
static void destroy_capsule(void *capsule) {
  void *error[3];
  python.fetch_error(&error[0], &error[1], &error[2]);
  const char *name = python.capsule_name(capsule);
  char *self = python.capsule_pointer(capsule, name);
  if (name == NULL) {
    drop(self);
  }
  for (size_t i = 0; name != NULL && i < sizeof capsule_kinds / sizeof *capsule_kinds; i++) {
    if (strcmp(name, capsule_kinds[i].name) == 0) {
      void (*release)(void *) = *(void (**)(void *))(self + capsule_kinds[i].release);
      if (release != NULL) {
        release(self);
      }
      if (strncmp(name, "arrow", 5) == 0) {
        memory_free(self);
      }
    }
  }
  python.restore_error(error[0], error[1], error[2]);
}

/*
 * One more capsule over a tensor that stays in its block: its deleter drops a reference of the
 * block. Java is not asked, so that Python's lock need not be given away.
 */
static void *share_tensor(dlpack_versioned *tensor) {
  atomic_fetch_add(&header_of(tensor->manager_ctx)->more, 1);
  void *capsule = python.new_capsule(tensor, capsule_kinds[1].name, destroy_capsule);
  if (capsule == NULL) {
    drop(tensor->manager_ctx);
  }
  return capsule;
}

#endif
