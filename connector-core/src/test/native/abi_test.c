/*
 * Holds each size, offset and flag that the library uses against the headers of other projects:
 * dlpack.h, Arrow's abi.h, and, where CPython's headers are installed, Python.h and NumPy's
 * ndarraytypes.h. abi_java.h is made of the constants of the Java class Abi; the structs of
 * arrowtensor.c are looked at through the file itself.
 */
#include "../../main/native/arrowtensor.c"

#include <arrow/c/abi.h>
#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdio.h>

#include "abi_java.h"

#ifdef WITH_PYTHON
#include <Python.h>
#include <numpy/ndarraytypes.h>
#define PYTHON_HEADERS "Python.h " PY_VERSION " and ndarraytypes.h"
#else
#include "python_structs.h"
#define PYTHON_HEADERS "the structs as Python's documentation has them"
#endif

struct check {
  const char *name;
  long ours, theirs;
};

#define IS(ours, theirs) {#ours, ours, (long)(theirs)}
#define AT(prefix, name, type, field) IS(prefix##_##name, offsetof(type, field))
#define SAME(ours, our_field, theirs, field) \
  {#ours "." #our_field, offsetof(ours, our_field), offsetof(theirs, field)}
#define ARRAY(field) SAME(struct arrow_array, field, struct ArrowArray, field)
#define SCHEMA(field) SAME(struct arrow_schema, field, struct ArrowSchema, field)

#define STREAM(field) SAME(struct arrow_stream, field, struct ArrowArrayStream, field)
#define DEVICE_STREAM(field) \
  SAME(struct arrow_device_stream, field, struct ArrowDeviceArrayStream, field)
#define BEHIND_TYPE(name, field)                                 \
  IS(DeviceArrayStream_STREAM + ArrayStream_##name,              \
     offsetof(struct ArrowDeviceArrayStream, field))

static const struct check checks[] = {
    AT(Tensor, DATA, DLTensor, data),
    AT(Tensor, DEVICE_TYPE, DLTensor, device.device_type),
    AT(Tensor, DEVICE_ID, DLTensor, device.device_id),
    AT(Tensor, NDIM, DLTensor, ndim),
    AT(Tensor, DTYPE_CODE, DLTensor, dtype.code),
    AT(Tensor, DTYPE_BITS, DLTensor, dtype.bits),
    AT(Tensor, DTYPE_LANES, DLTensor, dtype.lanes),
    AT(Tensor, SHAPE, DLTensor, shape),
    AT(Tensor, STRIDES, DLTensor, strides),
    AT(Tensor, BYTE_OFFSET, DLTensor, byte_offset),

    AT(ManagedTensor, MANAGER_CTX, DLManagedTensor, manager_ctx),
    AT(ManagedTensor, DELETER, DLManagedTensor, deleter),
    IS(ManagedTensor_SIZE, sizeof(DLManagedTensor)),

    AT(ManagedTensorVersioned, MAJOR, DLManagedTensorVersioned, version.major),
    AT(ManagedTensorVersioned, MINOR, DLManagedTensorVersioned, version.minor),
    AT(ManagedTensorVersioned, MANAGER_CTX, DLManagedTensorVersioned, manager_ctx),
    AT(ManagedTensorVersioned, DELETER, DLManagedTensorVersioned, deleter),
    AT(ManagedTensorVersioned, FLAGS, DLManagedTensorVersioned, flags),
    AT(ManagedTensorVersioned, TENSOR, DLManagedTensorVersioned, dl_tensor),
    IS(ManagedTensorVersioned_SIZE, sizeof(DLManagedTensorVersioned)),
    IS(ManagedTensorVersioned_FLAG_READ_ONLY, DLPACK_FLAG_BITMASK_READ_ONLY),
    IS(ManagedTensorVersioned_FLAG_IS_COPIED, DLPACK_FLAG_BITMASK_IS_COPIED),
    IS(ManagedTensorVersioned_FLAG_SUBBYTE_PADDED, DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED),

    AT(Schema, FORMAT, struct ArrowSchema, format),
    AT(Schema, NAME, struct ArrowSchema, name),
    AT(Schema, METADATA, struct ArrowSchema, metadata),
    AT(Schema, FLAGS, struct ArrowSchema, flags),
    AT(Schema, N_CHILDREN, struct ArrowSchema, n_children),
    AT(Schema, CHILDREN, struct ArrowSchema, children),
    AT(Schema, DICTIONARY, struct ArrowSchema, dictionary),
    AT(Schema, RELEASE, struct ArrowSchema, release),
    AT(Schema, PRIVATE_DATA, struct ArrowSchema, private_data),
    IS(Schema_SIZE, sizeof(struct ArrowSchema)),
    IS(Schema_FLAG_DICTIONARY_ORDERED, ARROW_FLAG_DICTIONARY_ORDERED),
    IS(Schema_FLAG_NULLABLE, ARROW_FLAG_NULLABLE),
    IS(Schema_FLAG_MAP_KEYS_SORTED, ARROW_FLAG_MAP_KEYS_SORTED),

    AT(Array, LENGTH, struct ArrowArray, length),
    AT(Array, NULL_COUNT, struct ArrowArray, null_count),
    AT(Array, OFFSET, struct ArrowArray, offset),
    AT(Array, N_BUFFERS, struct ArrowArray, n_buffers),
    AT(Array, N_CHILDREN, struct ArrowArray, n_children),
    AT(Array, BUFFERS, struct ArrowArray, buffers),
    AT(Array, CHILDREN, struct ArrowArray, children),
    AT(Array, DICTIONARY, struct ArrowArray, dictionary),
    AT(Array, RELEASE, struct ArrowArray, release),
    AT(Array, PRIVATE_DATA, struct ArrowArray, private_data),
    IS(Array_SIZE, sizeof(struct ArrowArray)),

    AT(DeviceArray, DEVICE_ID, struct ArrowDeviceArray, device_id),
    AT(DeviceArray, DEVICE_TYPE, struct ArrowDeviceArray, device_type),
    AT(DeviceArray, SYNC_EVENT, struct ArrowDeviceArray, sync_event),
    AT(DeviceArray, RESERVED, struct ArrowDeviceArray, reserved),
    IS(DeviceArray_SIZE, sizeof(struct ArrowDeviceArray)),
    IS(0, offsetof(struct ArrowDeviceArray, array)),

    AT(ArrayStream, GET_SCHEMA, struct ArrowArrayStream, get_schema),
    AT(ArrayStream, GET_NEXT, struct ArrowArrayStream, get_next),
    AT(ArrayStream, GET_LAST_ERROR, struct ArrowArrayStream, get_last_error),
    AT(ArrayStream, RELEASE, struct ArrowArrayStream, release),
    AT(ArrayStream, PRIVATE_DATA, struct ArrowArrayStream, private_data),
    IS(ArrayStream_SIZE, sizeof(struct ArrowArrayStream)),

    AT(DeviceArrayStream, DEVICE_TYPE, struct ArrowDeviceArrayStream, device_type),
    BEHIND_TYPE(GET_SCHEMA, get_schema),
    BEHIND_TYPE(GET_NEXT, get_next),
    BEHIND_TYPE(GET_LAST_ERROR, get_last_error),
    BEHIND_TYPE(RELEASE, release),
    BEHIND_TYPE(PRIVATE_DATA, private_data),
    IS(DeviceArrayStream_SIZE, sizeof(struct ArrowDeviceArrayStream)),

    AT(ArrayStruct, TWO, PyArrayInterface, two),
    AT(ArrayStruct, ND, PyArrayInterface, nd),
    AT(ArrayStruct, TYPEKIND, PyArrayInterface, typekind),
    AT(ArrayStruct, ITEMSIZE, PyArrayInterface, itemsize),
    AT(ArrayStruct, FLAGS, PyArrayInterface, flags),
    AT(ArrayStruct, SHAPE, PyArrayInterface, shape),
    AT(ArrayStruct, STRIDES, PyArrayInterface, strides),
    AT(ArrayStruct, DATA, PyArrayInterface, data),
    AT(ArrayStruct, DESCR, PyArrayInterface, descr),
    IS(ArrayStruct_SIZE, sizeof(PyArrayInterface)),
    IS(ArrayStruct_FLAG_C_CONTIGUOUS, NPY_ARRAY_C_CONTIGUOUS),
    IS(ArrayStruct_FLAG_F_CONTIGUOUS, NPY_ARRAY_F_CONTIGUOUS),
    IS(ArrayStruct_FLAG_ALIGNED, NPY_ARRAY_ALIGNED),
    IS(ArrayStruct_FLAG_NOTSWAPPED, NPY_ARRAY_NOTSWAPPED),
    IS(ArrayStruct_FLAG_WRITEABLE, NPY_ARRAY_WRITEABLE),
    IS(ArrayStruct_FLAG_HAS_DESCR, NPY_ARR_HAS_DESCR),

    AT(BufferView, BUF, Py_buffer, buf),
    AT(BufferView, OBJ, Py_buffer, obj),
    AT(BufferView, LEN, Py_buffer, len),
    AT(BufferView, ITEMSIZE, Py_buffer, itemsize),
    AT(BufferView, READONLY, Py_buffer, readonly),
    AT(BufferView, NDIM, Py_buffer, ndim),
    AT(BufferView, FORMAT, Py_buffer, format),
    AT(BufferView, SHAPE, Py_buffer, shape),
    AT(BufferView, STRIDES, Py_buffer, strides),
    AT(BufferView, SUBOFFSETS, Py_buffer, suboffsets),
    AT(BufferView, INTERNAL, Py_buffer, internal),
    IS(BufferView_SIZE, sizeof(Py_buffer)),
    IS(BufferView_FLAG_WRITABLE, PyBUF_WRITABLE),
    IS(BufferView_FLAG_FORMAT, PyBUF_FORMAT),
    IS(BufferView_FLAG_ND, PyBUF_ND),
    IS(BufferView_FLAG_STRIDES, PyBUF_STRIDES),
    IS(BufferView_FLAG_C_CONTIGUOUS, PyBUF_C_CONTIGUOUS),
    IS(BufferView_FLAG_F_CONTIGUOUS, PyBUF_F_CONTIGUOUS),
    IS(BufferView_FLAG_ANY_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS),

    SAME(dlpack_versioned, manager_ctx, DLManagedTensorVersioned, manager_ctx),
    SAME(dlpack_unversioned, manager_ctx, DLManagedTensor, manager_ctx),
    SAME(dlpack_versioned, deleter, DLManagedTensorVersioned, deleter),
    SAME(dlpack_unversioned, deleter, DLManagedTensor, deleter),
    ARRAY(n_children),
    ARRAY(children),
    ARRAY(dictionary),
    ARRAY(release),
    ARRAY(private_data),
    SCHEMA(n_children),
    SCHEMA(children),
    SCHEMA(dictionary),
    SCHEMA(release),
    SCHEMA(private_data),
    STREAM(release),
    STREAM(private_data),
    DEVICE_STREAM(release),
    DEVICE_STREAM(private_data),
};

int main(void) {
  int wrong = 0, count = sizeof checks / sizeof *checks;
  for (int i = 0; i < count; i++) {
    if (checks[i].ours != checks[i].theirs) {
      wrong++;
      printf("%s is %ld here, %ld there\n", checks[i].name, checks[i].ours, checks[i].theirs);
    }
  }
  printf("%d of %d sizes, offsets and flags agree with dlpack.h %d.%d, Arrow's abi.h and %s\n",
         count - wrong, count, DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION, PYTHON_HEADERS);
  return wrong != 0;
}
