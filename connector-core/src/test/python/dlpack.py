"""DLPack structs and capsules by ctypes: to look into those we make, and to make bad ones."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

import jvm

_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_GetName.restype = ctypes.c_char_p
_api.PyCapsule_GetName.argtypes = [ctypes.py_object]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_SetName.restype = ctypes.c_int
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]

READ_ONLY = 1
IS_COPIED = 2
_NAMES = [
    ctypes.create_string_buffer(name)
    for name in (b"dltensor", b"dltensor_versioned", b"used_dltensor", b"strange")
]  # capsules keep the pointer


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class Unversioned(ctypes.Structure):
    _fields_ = [
        ("tensor", Tensor),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


def name(capsule: Any) -> str:
    return _api.PyCapsule_GetName(capsule).decode()


def unnamed_pointer(capsule: Any) -> int:
    return _api.PyCapsule_GetPointer(capsule, None)


def struct(capsule: Any) -> Versioned | Unversioned:
    """The struct of a capsule that nobody consumed; borrowed."""
    label = _api.PyCapsule_GetName(capsule)
    kind = Versioned if label == b"dltensor_versioned" else Unversioned
    return kind.from_address(_api.PyCapsule_GetPointer(capsule, label))


def view(x: Any) -> np.ndarray:
    """NumPy's view of what a producer exports, of any type; the producer keeps the memory."""
    tensor = struct(x.__dlpack__(max_version=(1, 0))).tensor
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = tuple(tensor.strides[: tensor.ndim])
    name = jvm.NAMES[tensor.code].format(tensor.bits)
    return jvm.memory_at(tensor.data, jvm.numpy_dtype(name), shape, strides)


class Producer:
    """A Python producer whose struct the test may falsify; it counts the deleter's calls."""

    def __init__(self, *, versioned: bool = True, values: np.ndarray | None = None) -> None:
        self.values = np.arange(6.0).reshape(2, 3) if values is None else values
        self.deletions = 0
        self.device = (1, 0)
        self.name = b"dltensor_versioned" if versioned else b"dltensor"
        self.struct = Versioned(major=1, minor=3) if versioned else Unversioned()
        dtype = self.values.dtype
        self.dimensions = (ctypes.c_int64 * max(self.values.ndim, 1))(*self.values.shape)
        self.steps = (ctypes.c_int64 * max(self.values.ndim, 1))(
            *(s // dtype.itemsize for s in self.values.strides)
        )
        self.tensor = self.struct.tensor
        self.tensor.data = self.values.ctypes.data
        self.tensor.device_type = 1
        self.tensor.ndim = self.values.ndim
        self.tensor.code = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}[dtype.kind]
        self.tensor.bits = dtype.itemsize * 8
        self.tensor.lanes = 1
        self.tensor.shape = self.dimensions
        self.tensor.strides = self.steps
        self._deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._delete)
        self.struct.deleter = ctypes.cast(self._deleter, ctypes.c_void_p).value

    def _delete(self, _: int) -> None:
        self.deletions += 1

    def capsule(self) -> Any:
        label = next(n for n in _NAMES if n.value == self.name)
        return _api.PyCapsule_New(ctypes.addressof(self.struct), label, None)

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device
