"""Arrays of Python's libraries in the JVM: the matrix, copies, lifetimes, order of protocols."""

import gc
import weakref
from functools import cache

import numpy as np
import pytest

import arrowtensor
import libraries
from cases import DTYPES, LAYOUTS, values
from outcomes import COPIED, EMPTY, NO_SUCH, ZERO_COPY, array_address, out_of, values_of

ORDER = [ZERO_COPY, COPIED, EMPTY]


@cache
def outcome(door, dtype, layout):
    return out_of(door, LAYOUTS[layout](dtype))


@pytest.fixture(params=libraries.OUT_OF, ids=str)
def door(request):
    if not request.param.available():
        pytest.skip(f"no {request.param.module}")
    return request.param


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_type_and_layout_are_independent(door, dtype, layout):
    """What the JVM takes of a type and of a layout, it takes together, at no more cost."""
    outcomes = [outcome(door, dtype, "1-D"), outcome(door, "float64", layout)]
    if NO_SUCH in outcomes:
        pytest.skip("the library has no such array")
    refusal = [one for one in outcomes if one not in ORDER]
    worst = refusal[0] if refusal else max(outcomes, key=ORDER.index)
    assert outcome(door, dtype, layout) in {worst, NO_SUCH}


@pytest.mark.parametrize("dtype", ["int8", "float64", "complex64"])
def test_copy_asked_for_is_a_copy(door, dtype):
    outcome = out_of(door, values(dtype, 4), copy=True)
    if outcome == NO_SUCH:
        assert dtype == "complex64", "the type that not every library has"
        pytest.skip("the library has no such array")
    assert outcome == ("BufferError" if door.module == "tvm_ffi" else COPIED)  # it refuses itself


def test_copy_forbidden_is_none(door):
    assert out_of(door, values("float64", 4), copy=False) == ZERO_COPY


class Watched(np.ndarray):
    """Can be watched by a weak reference, and counts as an array."""


def watched(protocol: str | None) -> tuple[object, weakref.ref]:
    array = values("float32", 3, 4).view(Watched)
    if protocol is None:
        return array, weakref.ref(array)
    only = libraries._Only(array, protocol)
    return only, weakref.ref(only)


@pytest.mark.parametrize("protocol", [None, "__array_interface__"])
def test_array_keeps_its_producer_alive_until_it_is_closed(protocol):
    x, alive = watched(protocol)
    array = arrowtensor.asarray(x)
    del x
    gc.collect()
    assert alive() is not None
    assert values_of(array).sum() == 43
    array.close()
    gc.collect()
    assert alive() is None


def test_java_keeps_the_producer_alive_after_python_let_go():
    import jvm

    x, alive = watched(None)
    array = arrowtensor.asarray(x)
    java_array = jvm.java("python.PythonRuntime").array(array.handle)
    address = x.ctypes.data
    array.close()
    del x, array
    gc.collect()
    assert alive() is not None
    assert java_array.address() == address
    java_array.close()
    gc.collect()
    assert alive() is None


def test_round_trip_arrives_at_the_same_address():
    x = values("float64", 3, 4)
    with arrowtensor.asarray(x) as array:
        back = np.from_dlpack(array)
    assert back.ctypes.data == x.ctypes.data
    back[1, 1] = 99
    assert x[1, 1] == 99


def test_our_own_array_is_taken_without_a_copy():
    x = values("float64", 3)
    with arrowtensor.asarray(x) as first, arrowtensor.asarray(first) as second:
        assert array_address(second) == x.ctypes.data


def test_read_only_array_is_read_only_in_the_jvm(door):
    view = values("float64", 4)
    view.flags.writeable = False
    try:
        x = door.open(view)
    except Exception as e:
        pytest.skip(f"the library refuses read-only memory: {type(e).__name__}")
    if door.address(x) != view.ctypes.data or door.module in {"torch", "tvm_ffi"}:
        pytest.skip("the library copies read-only memory, or forgets that it is")
    with arrowtensor.asarray(x) as array:
        assert array.readonly


class Offers:
    """Offers what it is told to, and notes what it is asked for."""

    def __init__(self, *protocols):
        self.asked = []
        self._values = values("int32", 3)
        for protocol in protocols:
            setattr(type(self), protocol, _method(protocol))


def _method(protocol):
    if protocol in {"__array_interface__", "__array_struct__"}:

        def value(self):
            self.asked.append(protocol)
            return getattr(self._values, protocol)

        return property(value)

    def call(self, *arguments, **keywords):
        self.asked.append(protocol)
        return getattr(self._values, protocol)(*arguments, **keywords)

    return call


PRECEDENCE = ["__dlpack__", "__array_interface__", "__array_struct__", "__array__"]


@pytest.mark.parametrize("first", range(len(PRECEDENCE)), ids=lambda i: PRECEDENCE[i])
def test_first_protocol_in_the_documented_order_is_the_one_used(first):
    class Some(Offers):
        pass

    offered = PRECEDENCE[first:]
    if "__dlpack__" in offered:
        Some.__dlpack_device__ = lambda self: (1, 0)
    x = Some(*offered)
    with arrowtensor.asarray(x) as array:
        assert values_of(array).tolist() == [1, 2, 3]
    assert set(x.asked) == {offered[0]}


ALL = [
    *["__dlpack__", "__arrow_c_device_array__", "__arrow_c_array__", "__cuda_array_interface__"],
    *["__array_interface__", "__array_struct__", "buffer", "__array__"],
]


def _raising(protocol):
    def value(self):
        raise ZeroDivisionError(protocol)

    return property(value)


@pytest.mark.parametrize("first", range(len(ALL)), ids=lambda i: ALL[i])
def test_error_of_the_first_of_all_protocols_is_raised_and_no_other_is_tried(first):
    offered = ALL[first:]
    members = {name: _raising(name) for name in offered if name != "buffer"}
    some = type("Some", (bytearray if "buffer" in offered else object,), members)
    if offered[0] == "buffer":
        with arrowtensor.asarray(some(3)) as array:
            assert array.outcome.protocol == "buffer"
    else:
        with pytest.raises(ZeroDivisionError, match=f"^{offered[0]}$"):
            arrowtensor.asarray(some())


def test_device_that_is_here_may_be_named():
    with arrowtensor.asarray(values("int8", 3), device=(1, 0)) as array:
        assert array.device == (1, 0)
        assert array.outcome.is_zero_copy


def test_device_that_is_not_here_is_refused_by_name():
    with pytest.raises(BufferError, match=r"this system has|driver"):
        arrowtensor.asarray(values("int8", 3), device="cuda:9")
