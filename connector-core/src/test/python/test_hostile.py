"""Producers that lie, fail or are old: a typed error, nothing leaked, one deleter call."""

import numpy as np
import pytest

import arrowtensor
from arrowtensor import _runtime
from dlpack import IS_COPIED, Producer, name
from outcomes import array_address, values_of


def _major(p):
    p.struct.major = 2


def _negative_ndim(p):
    p.tensor.ndim = -1


def _many_dimensions(p):
    p.tensor.ndim = 2**31 - 1


def _negative_shape(p):
    p.dimensions[0] = -2


def _overflowing_shape(p):
    p.dimensions[:] = [2**62, 2**62]


def _overflowing_strides(p):
    p.steps[:] = [2**62, 2**62]


def _null_shape(p):
    p.tensor.shape = None


def _null_data(p):
    p.tensor.data = None


def _huge_offset(p):
    p.tensor.byte_offset = 2**64 - 1


def _no_bits(p):
    p.tensor.bits = 0


def _no_lanes(p):
    p.tensor.lanes = 0


def _padded(p):
    p.struct.flags = 4
    p.tensor.code, p.tensor.bits = 17, 4


BAD_STRUCTS = [
    (_major, "version 2"),
    (_negative_ndim, "ndim -1"),
    (_many_dimensions, "ndim 2147483647"),
    (_negative_shape, "-2"),
    (_overflowing_shape, "overflow"),
    (_overflowing_strides, "strides"),
    (_null_shape, "shape.* null"),
    (_null_data, "null"),
    (_huge_offset, "offset"),
    (_no_bits, "dtype"),
    (_no_lanes, "dtype"),
    (_padded, "PADDED"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD_STRUCTS, ids=lambda v: getattr(v, "__name__", v))
def test_bad_struct_is_a_buffer_error_and_deleted_once(spoil, message):
    producer = Producer()
    spoil(producer)
    with pytest.raises((BufferError, ValueError), match=message):
        arrowtensor.asarray(producer)
    assert producer.deletions == 1


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("strides", ["filled", "null"])
def test_good_struct_is_deleted_when_the_array_is_closed(versioned, strides):
    producer = Producer(versioned=versioned)
    if strides == "null":
        producer.tensor.strides = None
    array = arrowtensor.asarray(producer)
    assert values_of(array).tolist() == producer.values.tolist()
    assert array.readonly is (not versioned)
    assert producer.deletions == 0
    array.close()
    assert producer.deletions == 1


def test_unknown_minor_version_and_flags_are_read():
    producer = Producer()
    producer.struct.minor = 99
    producer.struct.flags = 1 << 40
    with arrowtensor.asarray(producer) as array:
        assert values_of(array)[1, 2] == 5
    assert producer.deletions == 1


@pytest.mark.parametrize(
    ("device", "copy", "reason"),
    [(None, None, "ENGINE_OUTPUT"), ("cpu", None, "TRANSFER"), (None, True, "REQUESTED")],
)
def test_copy_of_the_producer_is_counted_with_its_reason(device, copy, reason):
    producer = Producer()
    producer.struct.flags = IS_COPIED
    with arrowtensor.asarray(producer, device=device, copy=copy) as array:
        assert array_address(array) == producer.values.ctypes.data
        assert array.outcome[:4] == (0, 0, 48, reason)
    assert producer.deletions == 1


def test_copy_of_the_producer_is_refused_where_copies_are_forbidden():
    producer = Producer()
    producer.struct.flags = IS_COPIED
    with pytest.raises(BufferError, match=r"it is a copy .*copy=False forbids it"):
        arrowtensor.asarray(producer, copy=False)
    assert producer.deletions == 1


def test_byte_offset_is_honoured():
    producer = Producer()
    producer.tensor.byte_offset = 8
    producer.dimensions[0] = 1
    with arrowtensor.asarray(producer) as array:
        assert values_of(array).tolist() == [[1, 2, 3]]


def test_struct_without_a_deleter_is_taken():
    producer = Producer()
    producer.struct.deleter = None
    with arrowtensor.asarray(producer) as array:
        assert array.shape == (2, 3)
    assert producer.deletions == 0


def test_empty_tensor_may_have_null_data():
    producer = Producer(values=np.empty((0, 4)))
    producer.tensor.data = None
    with arrowtensor.asarray(producer) as array:
        assert array.shape == (0, 4)
    assert producer.deletions == 1


def test_capsule_of_another_name_is_refused_and_stays_its_producers():
    producer = Producer()
    producer.name = b"strange"
    with pytest.raises(ValueError, match="strange"):
        arrowtensor.asarray(producer)
    assert producer.deletions == 0


def test_capsule_that_was_consumed_is_refused():
    producer = Producer()
    capsule = producer.capsule()
    producer.capsule = lambda: capsule
    with arrowtensor.asarray(producer), pytest.raises(ValueError, match="consumed"):
        arrowtensor.asarray(producer)
    assert producer.deletions == 1


def test_nothing_is_taken_when_no_jvm_is_connected(monkeypatch):
    producer = Producer()
    capsule = producer.capsule()
    producer.capsule = lambda: capsule
    with monkeypatch.context() as patch:
        patch.setattr(_runtime, "_latest", [])
        with pytest.raises(RuntimeError, match="no JVM is connected"):
            arrowtensor.asarray(producer)
    assert name(capsule) == "dltensor_versioned", "still its producer's to delete"


@pytest.mark.parametrize("result", [None, 7, b"dltensor", object()])
def test_something_else_than_a_capsule_is_refused(result):
    producer = Producer()
    producer.capsule = lambda: result
    with pytest.raises(TypeError, match=r"__dlpack__.*PyCapsule"):
        arrowtensor.asarray(producer)


@pytest.mark.parametrize("error", [RuntimeError, BufferError, KeyboardInterrupt, ZeroDivisionError])
def test_error_of_the_producer_is_not_masked(error):
    class Failing(Producer):
        __array_interface__ = property(lambda self: self.values.__array_interface__)

        def __dlpack__(self, **_):
            raise error("as it is")

    with pytest.raises(error, match="as it is"):
        arrowtensor.asarray(Failing())


def test_producer_of_the_first_protocol_is_asked_again_without_arguments():
    class Old(Producer):
        def __dlpack__(self, stream=None):
            return self.capsule()

    old = Old(versioned=False)
    with arrowtensor.asarray(old) as array:
        assert array.readonly
    assert old.deletions == 1


def test_producer_without_keywords_cannot_promise_not_to_copy():
    class Old(Producer):
        def __dlpack__(self, stream=None):
            return self.capsule()

    old = Old(versioned=False)
    with pytest.raises(BufferError, match=r"Cannot promise copy=False: .* Old .*keyword"):
        arrowtensor.asarray(old, copy=False)
    assert old.deletions == 0


def test_type_error_from_inside_a_new_producer_is_not_lost():
    class Failing(Producer):
        def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
            raise TypeError("from inside")

    with pytest.raises(TypeError, match="from inside"):
        arrowtensor.asarray(Failing())


@pytest.mark.parametrize("claimed", [(2, 0), (10, 3)])
def test_device_of_the_struct_counts_not_what_the_producer_said_before(claimed):
    producer = Producer()
    producer.device = claimed
    with arrowtensor.asarray(producer) as array:
        assert array.device == (1, 0)
        assert values_of(array)[1, 2] == 5
    assert producer.deletions == 1


@pytest.mark.parametrize("claimed", [None, "cpu", (1,), (1, 0, 0)], ids=str)
def test_nonsense_as_device_is_refused(claimed):
    producer = Producer()
    producer.device = claimed
    with pytest.raises((TypeError, ValueError, BufferError)):
        arrowtensor.asarray(producer)
    assert producer.deletions <= 1


@pytest.mark.parametrize("x", [None, 3, 2.5, "text", [1, 2], {}, object()], ids=repr)
def test_object_without_a_protocol_is_refused_by_name(x):
    with pytest.raises(TypeError, match=type(x).__name__):
        arrowtensor.asarray(x)


class Interface:
    """An array interface with some of its entries falsified."""

    def __init__(self, **entries):
        self.values = np.arange(6.0)
        self.__array_interface__ = {**self.values.__array_interface__, **entries}
        for key in [key for key, value in entries.items() if value is ...]:
            del self.__array_interface__[key]


BAD_INTERFACES = [
    ({"shape": (-1,)}, "-1"),
    ({"shape": None}, "shape"),
    ({"shape": ...}, "shape"),
    ({"shape": (2.5,)}, "shape"),
    ({"shape": (2**62, 2**62)}, "overflow"),
    ({"typestr": ...}, "typestr"),
    ({"typestr": "f8"}, "typestr"),
    ({"typestr": "<q8"}, "<q8"),
    ({"typestr": "<f0"}, "<f0"),
    ({"typestr": 8}, "typestr"),
    ({"typestr": ">f8"}, "byte order|endian|>f8"),
    ({"typestr": "|O8"}, "O8"),
    ({"typestr": "<M8[ns]"}, "M8"),
    ({"typestr": "|V16", "descr": [("a", "<f8"), ("b", "<f8")]}, "V16|descr|field"),
    ({"strides": (8, 8)}, "strides"),
    ({"strides": (3,)}, "strides"),
    ({"strides": ("8",)}, "strides"),
    ({"strides": (2**62,)}, "strides|address space|overflow"),
    ({"data": (0, False)}, "null"),
    ({"data": (-8, False)}, "data|address"),
    ({"data": "memory"}, "bytes-like"),
    ({"data": (1,)}, "data"),
    ({"shape": (16,), "typestr": "|u1", "data": memoryview(bytearray(16))[::-1]}, "C-contiguous"),
    ({"shape": (4,), "typestr": "|u1", "data": memoryview(bytearray(8))[::2]}, "C-contiguous"),
    ({"shape": (4,), "data": np.asfortranarray(np.ones((2, 2)))}, "C-contiguous"),
    ({"shape": ..., "data": bytearray(48)}, "shape"),
    ({"shape": None, "data": bytearray(48)}, "shape"),
    ({"typestr": ..., "data": bytearray(48)}, "typestr"),
    ({"typestr": "<M8[ns]", "data": bytearray(48)}, "M8.*dates"),
    ({"typestr": "|O", "data": bytearray(48)}, "Python objects"),
    ({"data": bytearray(47)}, "bytes 0 to 48 of a buffer of 47"),
    ({"data": bytearray(48), "offset": -8}, "bytes -8 to 40 of a buffer of 48"),
    ({"data": bytearray(48), "offset": 8}, "bytes 8 to 56 of a buffer of 48"),
    ({"data": bytearray(48), "strides": (-8,)}, "bytes -40 to 8 of a buffer of 48"),
    ({"data": bytearray(48), "shape": (np.int64(2**62),)}, "of a buffer of 48"),
    ({"version": 7}, "version"),
    ({"version": ...}, "version"),
    ({"mask": np.zeros(6, bool)}, "nulls"),
]


@pytest.mark.parametrize(("entries", "message"), BAD_INTERFACES, ids=str)
def test_bad_array_interface_is_refused(entries, message):
    with pytest.raises((TypeError, ValueError, BufferError), match=message):
        arrowtensor.asarray(Interface(**entries))


@pytest.mark.parametrize("interface", [None, 5, [], "{}"], ids=repr)
def test_array_interface_that_is_no_dictionary_is_refused(interface):
    class Odd:
        __array_interface__ = interface

    with pytest.raises(TypeError, match="__array_interface__"):
        arrowtensor.asarray(Odd())


def test_interface_over_a_buffer_is_read_behind_its_offset():
    entries = {"shape": (5,), "data": bytearray(np.arange(6.0)), "offset": 8}
    with arrowtensor.asarray(Interface(**entries)) as array:
        assert values_of(array).tolist() == [1, 2, 3, 4, 5]
        assert not array.readonly
