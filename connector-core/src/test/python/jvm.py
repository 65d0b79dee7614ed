"""The JVM of the suite, and memory that it lends: each loan counts how often it is released."""

import ctypes
import importlib
import os
from contextlib import suppress
from pathlib import Path

import jpype
import numpy as np
import pytest

CORE = Path(__file__).resolve().parents[3]
FLAGS = [
    "-ea",
    "-Xmx512m",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
]
# DLPack's type codes, and NumPy's names.
NAMES = {
    0: "int{}",
    1: "uint{}",
    2: "float{}",
    4: "bfloat{}",
    5: "complex{}",
    6: "bool",
    10: "float8_e4m3fn",
    12: "float8_e5m2",
}


def start() -> None:
    """Starts the JVM with the class path that the build wrote, and connects the package to it."""
    # When imported it takes over SIGSEGV, which the JVM needs: the JVM has to come second.
    with suppress(ImportError):
        importlib.import_module("tvm_ffi")
    path = CORE / "target" / "test-classpath"
    if not path.exists():
        raise SystemExit(f"{path} is missing: mvn -pl connector-core test-compile writes it")
    logs = Path(os.environ.get("TMPDIR", "/tmp")) / "hs_err_pid%p.log"
    jpype.startJVM(
        *FLAGS, f"-XX:ErrorFile={logs}", classpath=path.read_text().strip().split(os.pathsep)
    )
    import arrowtensor

    arrowtensor.connect(java("python.PythonRuntime").entry())


def java(name: str):
    """A class of this library, by its name below io.arrowtensor."""
    return jpype.JClass("io.arrowtensor." + name)


def longs(values) -> object:
    return jpype.JArray(jpype.JLong)([int(v) for v in values])


def dtype(name: str):
    """The DType of a NumPy name."""
    bits = numpy_dtype(name).itemsize * 8
    code = next(code for code, pattern in NAMES.items() if pattern.format(bits) == name)
    return java("DType")(java("TypeCode")(code), bits, 1)


def numpy_dtype(name: str) -> np.dtype:
    """NumPy's dtype, for bfloat16 and float8 the one that ml_dtypes adds."""
    if name.startswith(("bfloat", "float8")):
        ml_dtypes = pytest.importorskip("ml_dtypes")
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def memory_at(address: int, dtype: np.dtype, shape: tuple, strides: tuple) -> np.ndarray:
    """A view of memory known by its address; strides in elements."""
    if 0 in shape:
        return np.empty(shape, dtype)
    in_bytes = tuple(stride * dtype.itemsize for stride in strides)
    steps = [stride * (n - 1) for stride, n in zip(in_bytes, shape, strict=True)]
    low = sum(step for step in steps if step < 0)
    size = sum(abs(step) for step in steps) + dtype.itemsize
    memory = (ctypes.c_char * size).from_address(address + low)
    return np.ndarray(shape, dtype, memory, -low, in_bytes)


def held() -> int:
    """Native bytes that the library holds."""
    return java("internal.NativeBytes").held()


class Loan:
    """A copy of a NumPy view in memory of the JVM, with the same shape, strides and offset."""

    def __init__(self, view: np.ndarray, *, readonly: bool = False) -> None:
        root = view
        while isinstance(root.base, np.ndarray):
            root = root.base
        self.memory = java("testing.CountedMemory")(root.nbytes)
        self.address = self.memory.address() + view.ctypes.data - root.ctypes.data
        self.expected = view.copy()
        self.view = view
        ctypes.memmove(self.memory.address(), root.ctypes.data, root.nbytes)
        self.array = self.memory.array(
            dtype(view.dtype.name),
            longs(view.shape),
            longs(stride // view.itemsize for stride in view.strides),
            view.ctypes.data - root.ctypes.data,
            readonly,
        )

    def share(self):
        """A Python object over the same memory; the Java array is closed, its memory is not."""
        import arrowtensor

        with self.array as array:
            return arrowtensor.Array(java("python.PythonRuntime").share(array))

    def first(self) -> bytes:
        """The bytes of the first element, read from the JVM's memory."""
        return ctypes.string_at(self.address, self.view.itemsize)

    def overwrite_first(self, value: bytes) -> None:
        ctypes.memmove(self.address, value, self.view.itemsize)

    @property
    def releases(self) -> int:
        return self.memory.releases()
