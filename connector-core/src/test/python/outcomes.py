"""Hands one array over and says what happened; asserts on the way what must hold in any case."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np

import arrowtensor
import jvm
from jvm import Loan
from libraries import Door

ZERO_COPY = "zero-copy"
COPIED = "copied"
EMPTY = "empty"
NO_SUCH = "-"
"""The library has no array of that type or layout."""


def refused(error: BaseException) -> str:
    return type(error).__name__


def into(door: Door, view: np.ndarray, *, readonly: bool = False) -> str:
    """Lends a JVM array to a library. It is released once, when the last user has let go."""
    loan = Loan(view, readonly=readonly)
    array = loan.share()
    try:
        outcome = _taken(door, loan, array, readonly)
    except _RefusedError as refusal:
        outcome = refusal.args[0]
    array.close()
    del array  # a view by an interface that has no release keeps the object, and it the memory
    _collected(lambda: loan.releases == 1)
    assert loan.releases == 1, "released once, after the last user let go"
    return outcome


class _RefusedError(Exception):
    pass


def _taken(door: Door, loan: Loan, array: Any, readonly: bool) -> str:
    try:
        x = door.open(array)
    except Exception as e:
        raise _RefusedError(refused(e)) from None
    seen = door.values(x)
    assert_same(seen, loan.expected)
    if seen.size == 0:
        return EMPTY
    if door.address(x) != loan.address:
        return COPIED
    assert array.outcome.is_zero_copy
    array.close()
    assert loan.releases == 0, f"{door} still has the memory"
    if door.poke is not None:
        other = np.ones((), loan.expected.dtype)
        loan.overwrite_first(other.tobytes())
        assert door.values(x)[(0,) * seen.ndim] == other, "what the JVM writes is seen"
    if door.poke is not None and not readonly:
        sentinel = np.zeros((), loan.expected.dtype)
        door.poke(x, sentinel[()])
        assert loan.first() == sentinel.tobytes(), "what the library writes is seen"
    if readonly and isinstance(x, np.ndarray):
        assert not x.flags.writeable
    return ZERO_COPY


def out_of(door: Door, view: np.ndarray, *, copy: bool | None = None) -> str:
    """Takes a library's array. The library's object lives exactly as long as it is needed."""
    try:
        x = door.open(view)
        kind = door.values(x).dtype
    except Exception:
        return NO_SUCH
    if kind not in (view.dtype, f"V{view.itemsize}"):
        return NO_SUCH
    try:
        array = arrowtensor.asarray(x, copy=copy)
    except Exception as e:
        return refused(e)
    with array:
        expected = view
        assert array.dtype == view.dtype.name
        assert tuple(array.shape) == view.shape
        seen = values_of(array)
        assert_same(seen, expected)
        if expected.size == 0:
            return EMPTY
        claimed = array.outcome.is_zero_copy
        shared = array_address(array) == door.address(x)
        assert claimed == shared, f"outcome {array.outcome}, same address: {shared}"
        if not shared:
            return COPIED
        if door.poke is not None and not array.readonly:
            sentinel = np.zeros((), view.dtype)
            door.poke(x, sentinel[()])
            assert values_of(array)[(0,) * view.ndim] == sentinel
        return ZERO_COPY


def array_address(array: Any) -> int:
    """The address that Java sees."""
    with jvm.java("python.PythonRuntime").array(array.handle) as java_array:
        return java_array.address()


def values_of(array: Any) -> np.ndarray:
    """The values that Java sees: read at its address, shape and strides."""
    with jvm.java("python.PythonRuntime").array(array.handle) as java_array:
        return java_values(java_array)


def java_values(java_array: Any) -> np.ndarray:
    """A view of a Java array's memory, made without the package."""
    dtype = jvm.numpy_dtype(str(java_array.dtype()))
    address = 0 if 0 in java_array.shape() else java_array.address()
    return jvm.memory_at(address, dtype, tuple(java_array.shape()), tuple(java_array.strides()))


def assert_same(seen: np.ndarray, expected: np.ndarray) -> None:
    if seen.dtype.kind == "V":
        seen = seen.view(expected.dtype)
    if expected.ndim == 0:
        seen = seen.reshape(())  # Arrow has no scalars: one row
    assert seen.dtype == expected.dtype
    assert seen.shape == expected.shape
    assert np.ascontiguousarray(seen).tobytes() == np.ascontiguousarray(expected).tobytes()


def _collected(done: Any) -> None:
    """Most objects go with their last reference; some libraries leave cycles behind."""
    if not done():
        gc.collect()
