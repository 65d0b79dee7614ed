/*
 * C streams that play a script, as a foreign producer answers: whatever the script says, and each
 * release counted. private_data points at the script.
 */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct script {
  int64_t releases;
  void *schema;
  int64_t schema_error;
  char **arrays;
  int64_t count, next;
  int64_t next_error; /* behind the last array, 0 for the end of the stream */
  int64_t array_size;
  const char *text;
};

enum { SCHEMA_SIZE = 72, ARRAY_RELEASE = 64 };

static int play_schema(struct script *script, char *out) {
  if (script->schema_error == 0) {
    memcpy(out, script->schema, SCHEMA_SIZE);
  }
  return (int)script->schema_error;
}

static int play_next(struct script *script, char *out) {
  if (script->next < script->count) {
    memcpy(out, script->arrays[script->next++], (size_t)script->array_size);
    return 0;
  }
  memset(out + ARRAY_RELEASE, 0, sizeof(void *));
  return (int)script->next_error;
}

/* The functions of a struct whose callbacks begin at the pointer-sized field `first`. */
#define DEFINE_STREAM(name, first)                                                      \
  static struct script *name##_script(void **self) { return self[(first) + 4]; }        \
  EXPORT int name##_schema(void **self, char *out);                                     \
  int name##_schema(void **self, char *out) { return play_schema(name##_script(self), out); } \
  EXPORT int name##_next(void **self, char *out);                                       \
  int name##_next(void **self, char *out) { return play_next(name##_script(self), out); } \
  EXPORT const char *name##_last_error(void **self);                                    \
  const char *name##_last_error(void **self) { return name##_script(self)->text; }      \
  EXPORT void name##_release(void **self);                                              \
  void name##_release(void **self) {                                                    \
    name##_script(self)->releases++;                                                    \
    self[(first) + 3] = NULL;                                                           \
  }

DEFINE_STREAM(scripted, 0)
DEFINE_STREAM(scripted_device, 1)
