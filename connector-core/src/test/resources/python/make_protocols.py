"""Writes protocols.json: what NumPy says about arrays of every type and layout through
__array_interface__, __array_struct__ and the buffer protocol.

Run with the NumPy of requirements.txt: python make_protocols.py
"""

import ctypes
import json
import pathlib
import sys

import numpy as np

BYTES = 512

# Name, shape, strides and offset in elements, extra offset in bytes.
LAYOUTS = [
    ("scalar", [], [], 0, 0),
    ("empty", [0], [1], 0, 0),
    ("empty inside", [2, 0, 3], [3, 3, 1], 0, 0),
    ("one", [1], [1], 0, 0),
    ("vector", [5], [1], 0, 0),
    ("every second", [5], [2], 3, 0),
    ("reversed", [5], [-1], 4, 0),
    ("repeated", [5], [0], 2, 0),
    ("rows", [2, 3], [3, 1], 0, 0),
    ("columns", [2, 3], [1, 2], 0, 0),
    ("slice", [2, 3], [8, 2], 1, 0),
    ("reversed both", [2, 3], [-3, -1], 5, 0),
    ("one row, odd stride", [1, 4], [7, 1], 0, 0),
    ("one column", [4, 1], [1, 9], 0, 0),
    ("one in the middle", [2, 1, 3], [3, -5, 1], 0, 0),
    ("permuted", [4, 2, 3], [1, 12, 4], 0, 0),
    ("broadcast rows", [3, 4], [0, 1], 0, 0),
    ("misaligned", [3], [1], 0, 1),
    ("ten dimensions", [1, 2] * 5, [16, 16, 8, 8, 4, 4, 2, 2, 1, 1], 0, 0),
]
TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
REFUSED = [">f4", "M8[ns]", "m8[ms]", "S3", "U2", "V4", "g", "G", "O", [("a", "i4"), ("b", "f4")]]
REQUESTS = {
    "SIMPLE": 0x0,
    "WRITABLE": 0x1,
    "FORMAT": 0x4,
    "ND": 0x8,
    "CONTIG": 0x9,
    "STRIDES": 0x18,
    "STRIDED": 0x19,
    "RECORDS_RO": 0x1C,
    "RECORDS": 0x1D,
    "C_CONTIGUOUS": 0x38,
    "F_CONTIGUOUS": 0x58,
    "ANY_CONTIGUOUS": 0x98,
    "INDIRECT": 0x118,
    "FULL_RO": 0x11C,
    "FULL": 0x11D,
}


class ArrayStruct(ctypes.Structure):
    _fields_ = [
        ("two", ctypes.c_int),
        ("nd", ctypes.c_int),
        ("typekind", ctypes.c_char),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("data", ctypes.c_void_p),
        ("descr", ctypes.c_void_p),
    ]


class Buffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


python = ctypes.pythonapi
python.PyCapsule_GetPointer.restype = ctypes.c_void_p
python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
python.PyObject_GetBuffer.argtypes = [ctypes.py_object, ctypes.POINTER(Buffer), ctypes.c_int]
python.PyBuffer_Release.argtypes = [ctypes.POINTER(Buffer)]
python.PyBuffer_Release.restype = None

base = np.zeros(BYTES // 8, "i8")
START = base.__array_interface__["data"][0]
assert START % 16 == 0


def view(dtype, shape, strides, offset, extra, writeable):
    dtype = np.dtype(dtype)
    start = base.view("u1")[offset * dtype.itemsize + extra :]
    typed = start[: len(start) // dtype.itemsize * dtype.itemsize].view(dtype)
    strides = [s * dtype.itemsize for s in strides]
    return np.lib.stride_tricks.as_strided(typed, shape, strides, writeable=writeable)


def interface(array):
    said = {k: v for k, v in array.__array_interface__.items() if k != "descr"}
    said["data"] = [said["data"][0] - START, said["data"][1]]
    return said


def struct(array):
    capsule = array.__array_struct__
    said = ArrayStruct.from_address(python.PyCapsule_GetPointer(capsule, None))
    return {
        "two": said.two,
        "nd": said.nd,
        "typekind": said.typekind.decode(),
        "itemsize": said.itemsize,
        "flags": said.flags,
        "shape": said.shape[: said.nd] if said.nd else [],
        "strides": said.strides[: said.nd] if said.nd else [],
        "data": said.data - START,
    }


def buffer(array, flags):
    said = Buffer()
    try:
        python.PyObject_GetBuffer(array, said, flags)
    except (BufferError, ValueError) as e:
        return f"{type(e).__name__}: {e}"
    result = {
        "buf": said.buf - START,
        "len": said.len,
        "itemsize": said.itemsize,
        "readonly": said.readonly,
        "ndim": said.ndim,
        "format": said.format.decode() if said.format else None,
        "shape": said.shape[: said.ndim] if said.shape else None,
        "strides": said.strides[: said.ndim] if said.strides else None,
    }
    python.PyBuffer_Release(said)
    return result


def layouts():
    for name, shape, strides, offset, extra in LAYOUTS:
        for writeable in (True, False):
            array = view("f4", shape, strides, offset, extra, writeable)
            yield {
                "name": name,
                "shape": shape,
                "strides": strides,
                "offset": offset,
                "extra": extra,
                "writeable": writeable,
                "interface": interface(array),
                "struct": struct(array),
                "buffers": {n: buffer(array, f) for n, f in REQUESTS.items()},
            }


def types():
    for code in TYPES:
        array = np.zeros(3, code)
        said = struct(array)
        yield {
            "dtype": array.dtype.name,
            "typestr": array.dtype.str,
            "typekind": said["typekind"],
            "itemsize": said["itemsize"],
            "format": memoryview(array).format,
            "alignment": array.dtype.alignment,
        }


def refused():
    for code in REFUSED:
        array = np.zeros(3, code)
        said = struct(array)
        exported = buffer(array, REQUESTS["FULL_RO"])
        yield {
            "dtype": str(array.dtype),
            "typestr": array.dtype.str,
            "typekind": said["typekind"],
            "itemsize": said["itemsize"],
            "flags": said["flags"],
            "format": exported if isinstance(exported, str) else exported["format"],
        }


def dump(entries):
    return "[\n" + ",\n".join("    " + json.dumps(e) for e in entries) + "\n  ]"


pathlib.Path(__file__).with_name("protocols.json").write_text(
    "{\n"
    f'  "numpy": "{np.__version__}",\n'
    f'  "python": "{sys.version.split()[0]}",\n'
    f'  "requests": {json.dumps(REQUESTS)},\n'
    f'  "types": {dump(types())},\n'
    f'  "refused": {dump(refused())},\n'
    f'  "layouts": {dump(layouts())}\n'
    "}\n"
)
