"""The buffer protocol, both ways; from Python 3.12 an array is a buffer itself."""

import struct
import sys

import numpy as np
import pytest

import arrowtensor
import cases
import dlpack
from jvm import Loan
from outcomes import array_address, values_of

BUFFERS = sys.version_info >= (3, 12)
FORMATS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
needs_buffers = pytest.mark.skipif(not BUFFERS, reason="Python before 3.12 asks no object for one")


def lend(dtype="float64", layout="3-D", *, readonly=False):
    return Loan(cases.LAYOUTS[layout](dtype), readonly=readonly)


@pytest.mark.parametrize("dtype", FORMATS)
def test_view_has_type_shape_and_values(dtype):
    loan = lend(dtype)
    with loan.share() as array:
        view = array.view()
        assert struct.calcsize(view.format) == loan.view.itemsize
        assert view.format.lstrip("@=<") in {
            FORMATS[dtype],
            {"q": "l", "Q": "L"}.get(FORMATS[dtype]),
        }
        assert (view.shape, view.strides) == (loan.view.shape, loan.view.strides)
        assert view.tolist() == loan.expected.tolist()
        assert not view.readonly
        view.release()


def test_view_keeps_the_memory_after_the_array_is_gone():
    loan = lend()
    array = loan.share()
    view = array.view()
    array.close()
    del array
    assert loan.releases == 0
    assert view[0, 0, 0] == 1
    view.release()
    del view
    assert loan.releases == 1


def test_what_is_written_through_a_view_is_in_the_jvm():
    loan = lend()
    with loan.share() as array:
        view = array.view()
        view[0, 0, 0] = 42.0
        assert loan.first() == np.float64(42).tobytes()
        del view


def test_view_of_read_only_memory_cannot_be_written():
    with lend(readonly=True).share() as array:
        view = array.view()
        assert view.readonly
        with pytest.raises(TypeError, match="read-only"):
            view[0, 0, 0] = 1.0
        del view


@needs_buffers
@pytest.mark.parametrize("layout", cases.LAYOUTS)
def test_array_is_a_buffer_of_any_layout(layout):
    loan = lend("int32", layout)
    with loan.share() as array:
        view = memoryview(array)
        assert (view.shape, view.tolist()) == (loan.view.shape, loan.expected.tolist())
        assert np.asarray(view).ctypes.data == loan.address or loan.view.size == 0
        del view


@needs_buffers
@pytest.mark.parametrize("layout", ["transposed", "every second", "inner block"])
def test_consumer_that_cannot_follow_strides_is_refused(layout):
    with lend("float64", layout).share() as array, pytest.raises(BufferError, match="contiguous"):
        hash_of(array)


@needs_buffers
def test_empty_array_without_memory_is_an_empty_buffer():
    producer = dlpack.Producer(values=np.empty((0, 4)))
    producer.tensor.data = None
    with arrowtensor.asarray(producer) as array:
        view = memoryview(array)
        assert (view.shape, view.nbytes) == ((0, 4), 0)
        del view


def hash_of(buffer):
    import hashlib

    return hashlib.sha256(buffer).hexdigest()


@needs_buffers
def test_consumer_of_plain_bytes_reads_contiguous_memory():
    loan = lend()
    with loan.share() as array:
        assert hash_of(array) == hash_of(loan.expected.tobytes())
        assert bytes(array) == loan.expected.tobytes()


@needs_buffers
def test_read_only_memory_is_refused_to_a_consumer_that_writes():
    import io

    with lend(readonly=True).share() as array, pytest.raises((BufferError, TypeError)):
        io.BytesIO(b"x" * 1000).readinto(array)


@pytest.mark.skipif(BUFFERS, reason="from 3.12 an array is a buffer")
def test_before_3_12_the_error_names_the_way():
    with lend().share() as array, pytest.raises(TypeError, match=r"view\(\)"):
        memoryview(array)


@pytest.mark.parametrize("code", "?bBhHiIlLqQefd")
def test_every_format_of_an_array_is_taken(code):
    import array as arrays

    size = struct.calcsize(code)
    if code in arrays.typecodes:
        source = arrays.array(code, [1, 2, 3])
    else:
        source = memoryview(np.array([1, 1, 1], code))
    with arrowtensor.asarray(source) as array:
        assert array.shape == (3,)
        assert array.nbytes == 3 * size
        assert not array.readonly
        assert values_of(array).tolist() == np.asarray(source).tolist()


@pytest.mark.parametrize("source", [b"abc", bytearray(b"abc"), memoryview(b"abc")], ids=repr)
def test_bytes_are_numbers_and_read_only_where_they_are(source):
    with arrowtensor.asarray(source) as array:
        assert array.dtype == "uint8"
        assert array.readonly is memoryview(source).readonly
        assert values_of(array).tolist() == [97, 98, 99]


def test_buffer_in_use_by_the_jvm_cannot_be_resized():
    source = bytearray(b"abcd")
    array = arrowtensor.asarray(source)
    with pytest.raises(BufferError):
        source.extend(b"more")
    array.close()
    source.extend(b"more")
    assert source == b"abcdmore"


def test_released_view_is_refused():
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="released"):
        arrowtensor.asarray(view)


def test_strided_view_is_taken_in_place():
    source = np.arange(12, dtype=np.int16).reshape(3, 4)
    with arrowtensor.asarray(memoryview(source)[::-2]) as array:
        assert values_of(array).tolist() == source[::-2].tolist()
        assert array_address(array) == source[2].ctypes.data
