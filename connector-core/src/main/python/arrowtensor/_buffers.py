"""Typed ``memoryview`` objects over memory by address."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import PYFUNCTYPE, c_char_p, c_int, c_ssize_t, c_ubyte, c_void_p, py_object, pythonapi
from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ._array import Array

FULL_RO: Final = 0x11C
"""``PyBUF_FULL_RO``."""

_FORMATS: Final = {
    "bool": b"?",
    "int8": b"b",
    "int16": b"h",
    "int32": b"i",
    "int64": b"q",
    "uint8": b"B",
    "uint16": b"H",
    "uint32": b"I",
    "uint64": b"Q",
    "float16": b"e",
    "float32": b"f",
    "float64": b"d",
    "complex64": b"Zf",
    "complex128": b"Zd",
}
"""Formats of the ``struct`` module; views keep the addresses of these constants."""

_NOTHING: Final = c_ubyte()
"""Where an empty view points that has no memory: CPython refuses null."""

_CASTABLE: Final = b"?bhiqBHIQfd"


class PyBuffer(ctypes.Structure):
    """CPython's ``Py_buffer``."""

    _fields_ = (
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    )


@contextmanager
def described(view: memoryview) -> Iterator[PyBuffer]:
    """Fill a ``Py_buffer`` with everything about ``view``, for the time of the block."""
    info = PyBuffer()
    get_buffer(view, ctypes.addressof(info), FULL_RO)
    try:
        yield info
    finally:
        release_buffer(ctypes.addressof(info))


has_buffer: Final = PYFUNCTYPE(c_int, py_object)(("PyObject_CheckBuffer", pythonapi))
get_buffer: Final = PYFUNCTYPE(c_int, py_object, c_void_p, c_int)(("PyObject_GetBuffer", pythonapi))
release_buffer: Final = PYFUNCTYPE(None, c_void_p)(("PyBuffer_Release", pythonapi))
_from_buffer: Final = PYFUNCTYPE(py_object, c_void_p)(("PyMemoryView_FromBuffer", pythonapi))


def _format(array: Array) -> bytes:
    name = array.dtype
    if name not in _FORMATS or array.device.type not in (1, 3, 11, 13):
        raise BufferError(
            f"Cannot view elements of {name} on {array.device} as a buffer: there is no format for"
            " them, or the host cannot reach them; use __dlpack__"
        )
    return _FORMATS[name]


def contiguous(array: Array, address: int, owner: object) -> memoryview:
    """Return a view that keeps ``owner``, of contiguous memory."""
    code = _format(array)
    shape = array.shape
    if code not in _CASTABLE or not _is_row_major(shape, array.strides):
        raise BufferError(
            f"Cannot view {array!r} as a memoryview before Python 3.12, which can neither have"
            " strides nor be float16 or complex: use numpy.from_dlpack(array)"
        )
    memory: Any = (c_ubyte * array.nbytes).from_address(address)
    memory.owner = owner  # views of the view keep the ctypes array
    view: Any = memoryview(memory).cast("B")
    if array.nbytes:
        view = view.cast(code.decode(), shape)
    elif len(shape) == 1:
        view = view.cast(code.decode())
    else:
        raise BufferError(
            f"Cannot view an empty array of shape {shape} as a memoryview before Python 3.12: use"
            " numpy.from_dlpack(array)"
        )
    made: memoryview = view.toreadonly() if array.readonly else view
    return made


def strided(array: Array, address: int) -> memoryview:
    """Return a view that keeps nothing alive."""
    ndim = array.ndim
    itemsize = array.itemsize
    shape = (c_ssize_t * ndim)(*array.shape)
    strides = (c_ssize_t * ndim)(*(stride * itemsize for stride in array.strides))
    info = PyBuffer(
        buf=address or ctypes.addressof(_NOTHING),
        len=array.nbytes,
        itemsize=itemsize,
        readonly=array.readonly,
        ndim=ndim,
        format=_format(array),
        shape=ctypes.addressof(shape),
        strides=ctypes.addressof(strides),
    )
    view: memoryview = _from_buffer(ctypes.addressof(info))  # copies shape and strides
    return view


def _is_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    if 0 in shape:
        return True
    return all(
        size == 1 or stride == prod(shape[d + 1 :])
        for d, (size, stride) in enumerate(zip(shape, strides, strict=True))
    )


def rename(kind: type, name: str) -> None:
    """Change the name that CPython's own messages show; ``repr(kind)`` stays."""
    kind.__name__ = name
