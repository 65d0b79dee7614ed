/*
 * Py_buffer (PEP 3118, docs.python.org/3/c-api/buffer.html) and PyArrayInterface
 * (numpy.org/doc/stable/reference/arrays.interface.html) as their documentation declares them: for
 * machines without the headers of CPython.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct {
  void *buf, *obj;
  ptrdiff_t len, itemsize;
  int readonly, ndim;
  char *format;
  ptrdiff_t *shape, *strides, *suboffsets;
  void *internal;
} Py_buffer;

enum {
  PyBUF_WRITABLE = 0x0001,
  PyBUF_FORMAT = 0x0004,
  PyBUF_ND = 0x0008,
  PyBUF_STRIDES = 0x0010 | PyBUF_ND,
  PyBUF_C_CONTIGUOUS = 0x0020 | PyBUF_STRIDES,
  PyBUF_F_CONTIGUOUS = 0x0040 | PyBUF_STRIDES,
  PyBUF_ANY_CONTIGUOUS = 0x0080 | PyBUF_STRIDES,
};

typedef struct {
  int two, nd;
  char typekind;
  int itemsize, flags;
  intptr_t *shape, *strides;
  void *data, *descr;
} PyArrayInterface;

enum {
  NPY_ARRAY_C_CONTIGUOUS = 0x0001,
  NPY_ARRAY_F_CONTIGUOUS = 0x0002,
  NPY_ARRAY_ALIGNED = 0x0100,
  NPY_ARRAY_NOTSWAPPED = 0x0200,
  NPY_ARRAY_WRITEABLE = 0x0400,
  NPY_ARR_HAS_DESCR = 0x0800,
};
