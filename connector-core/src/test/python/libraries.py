"""The array libraries on the other side: how each takes an array, and how each gives one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dlpack
import jvm


@dataclass(frozen=True)
class Door:
    """One way into or out of a library."""

    name: str
    """As a user would call it; its first part is the module."""
    open: Callable[[Any], Any]
    """Into the library: takes our array. Out of it: takes NumPy's values, gives its own array."""
    values: Callable[[Any], np.ndarray]
    """The library's array as NumPy's, over the same memory where that is possible."""
    address: Callable[[Any], int]
    """Of the first element."""
    poke: Callable[[Any, Any], None] | None = None
    """Writes the first element; None for a library whose arrays cannot be written."""

    @property
    def module(self) -> str:
        return self.name.partition(".")[0]

    def available(self) -> bool:
        return present(self.module)

    def __str__(self) -> str:
        return self.name


def present(module: str) -> bool:
    """Whether the library can be imported here."""
    try:
        return _module(module) is not None
    except ImportError:
        return False


def _module(name: str) -> Any:
    module = importlib.import_module(name)
    if name == "jax":
        module.config.update("jax_enable_x64", True)
        module.config.update("jax_platforms", "cpu")
    return module


def _call(path: str) -> Callable[..., Any]:
    """``module.a.b`` as a function that imports the module when it is called."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        target: Any = _module(path.partition(".")[0])
        for part in path.split(".")[1:]:
            if not hasattr(target, part):
                importlib.import_module(f"{target.__name__}.{part}")
            target = getattr(target, part)
        return target(*arguments, **keywords)

    return call


def _numpy_poke(array: np.ndarray, value: Any) -> None:
    array[(0,) * array.ndim] = value


def _numpy_address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _struct_only(array: Any) -> np.ndarray:
    class Struct:
        __array_struct__ = array.__array_struct__

    return np.asarray(Struct())


def _torch_values(x: Any) -> np.ndarray:
    torch = _module("torch")
    if x.dtype is torch.bfloat16:
        import ml_dtypes

        return x.view(torch.uint16).numpy().view(ml_dtypes.bfloat16)
    if "float8" in str(x.dtype):
        return x.view(torch.uint8).numpy().view(jvm.numpy_dtype(str(x.dtype).partition(".")[2]))
    return x.numpy()


def _torch_poke(x: Any, value: Any) -> None:
    x[(0,) * x.ndim] = value.item() if hasattr(value, "item") else value


def _arrow_values(x: Any) -> np.ndarray:
    """NumPy's view of the innermost values; those of a type that Arrow lacks come as raw bytes."""
    shape = [len(x)]
    while hasattr(x.type, "list_size"):
        shape.append(x.type.list_size)
        x = x.flatten()
    if str(x.type) == "bool":
        return x.to_numpy(zero_copy_only=False).reshape(shape)
    if hasattr(x.type, "to_pandas_dtype") and "binary" not in str(x.type):
        return x.to_numpy().reshape(shape)
    raw = np.frombuffer(x.buffers()[1], f"V{x.type.byte_width}", len(x), x.offset)
    return raw.reshape(shape)


def _arrow_address(x: Any) -> int:
    return _numpy_address(_arrow_values(x))


def _numba_view(array: Any) -> np.ndarray:
    """What a compiled function sees: the array it was given, handed back."""
    return _numba_identity()(np.asarray(array))


def _numba_identity() -> Callable[[np.ndarray], np.ndarray]:
    global _identity
    if _identity is None:
        _identity = _module("numba").njit(lambda a: a)
    return _identity


_identity: Callable[[np.ndarray], np.ndarray] | None = None


def _numpy(name: str, open_: Callable[[Any], Any]) -> Door:
    return Door(name, open_, lambda x: x, _numpy_address, _numpy_poke)


INTO = [
    _numpy("numpy.from_dlpack", np.from_dlpack),
    _numpy("numpy.asarray", np.asarray),
    _numpy("numpy.asarray, __array_struct__", _struct_only),
    _numpy("numpy.asarray, memoryview", lambda array: np.asarray(array.view())),
    Door(
        "array_api_strict.from_dlpack",
        _call("array_api_strict.from_dlpack"),
        np.asarray,
        lambda x: _numpy_address(np.asarray(x)),
        lambda x, value: _numpy_poke(np.asarray(x), value),
    ),
    Door(
        "jax.numpy.from_dlpack",
        _call("jax.numpy.from_dlpack"),
        np.asarray,
        lambda x: x.unsafe_buffer_pointer(),
    ),
    Door(
        "numba.njit",
        _numba_view,
        lambda x: x,
        _numpy_address,
        _numpy_poke,
    ),
    Door(
        "pyarrow.Tensor.from_dlpack",
        _call("pyarrow.Tensor.from_dlpack"),
        lambda x: x.to_numpy(),
        lambda x: _numpy_address(x.to_numpy()),
    ),
    Door("pyarrow.array", _call("pyarrow.array"), _arrow_values, _arrow_address),
    Door(
        "torch.from_dlpack",
        _call("torch.from_dlpack"),
        _torch_values,
        lambda x: x.data_ptr(),
        _torch_poke,
    ),
    Door("tvm_ffi.from_dlpack", _call("tvm_ffi.from_dlpack"), dlpack.view, lambda x: x.data_ptr()),
]


def _torch_of(values: np.ndarray) -> Any:
    torch = _module("torch")
    name = values.dtype.name
    plain = values.view(f"uint{values.itemsize * 8}") if _is_small(name) else values
    tensor = torch.from_numpy(plain)
    return tensor.view(getattr(torch, name)) if _is_small(name) else tensor


def _is_small(name: str) -> bool:
    return name.startswith(("bfloat", "float8"))


def _memoryview_of(values: np.ndarray) -> memoryview:
    return memoryview(values)


class _Only:
    """Shows one protocol of an array and hides the others."""

    def __init__(self, array: np.ndarray, attribute: str) -> None:
        self._array = array
        setattr(self, attribute, getattr(array, attribute))


def _only(attribute: str) -> Callable[[np.ndarray], Any]:
    return lambda values: _Only(values, attribute)


def _jax_of(values: np.ndarray) -> Any:
    return _call("jax.numpy.array")(values)


def _inner(x: Any) -> np.ndarray:
    return x._array


OUT_OF = [
    _numpy("numpy.ndarray", lambda values: values),
    Door(
        "numpy.__array_interface__",
        _only("__array_interface__"),
        _inner,
        lambda x: _numpy_address(_inner(x)),
        lambda x, value: _numpy_poke(_inner(x), value),
    ),
    Door(
        "numpy.__array_struct__",
        _only("__array_struct__"),
        _inner,
        lambda x: _numpy_address(_inner(x)),
        lambda x, value: _numpy_poke(_inner(x), value),
    ),
    Door(
        "numpy.memoryview",
        _memoryview_of,
        np.asarray,
        lambda x: _numpy_address(np.asarray(x)),
        lambda x, value: _numpy_poke(np.asarray(x), value),
    ),
    Door(
        "array_api_strict.Array",
        _call("array_api_strict.asarray"),
        np.asarray,
        lambda x: _numpy_address(np.asarray(x)),
        lambda x, value: _numpy_poke(np.asarray(x), value),
    ),
    Door("jax.Array", _jax_of, np.asarray, lambda x: x.unsafe_buffer_pointer()),
    Door(
        "pyarrow.Tensor",
        _call("pyarrow.Tensor.from_numpy"),
        lambda x: x.to_numpy(),
        lambda x: _numpy_address(x.to_numpy()),
    ),
    Door("pyarrow.Array", _call("pyarrow.array"), _arrow_values, _arrow_address),
    Door("torch.Tensor", _torch_of, _torch_values, lambda x: x.data_ptr(), _torch_poke),
    Door("tvm_ffi.Tensor", _call("tvm_ffi.from_dlpack"), dlpack.view, lambda x: x.data_ptr()),
]
