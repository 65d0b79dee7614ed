"""__dlpack__'s arguments: versions, copies, devices, streams; and the life of a capsule."""

import gc

import numpy as np
import pytest

import arrowtensor
import cases
import dlpack
import jvm
from arrowtensor import _protocol, _runtime
from jvm import Loan


def lend(dtype="float64", *shape, readonly=False):
    return Loan(cases.values(dtype, *(shape or (2, 3))), readonly=readonly)


@pytest.mark.parametrize(("version", "versioned"), cases.MAX_VERSIONS.items(), ids=str)
def test_capsule_has_the_newest_struct_that_the_consumer_knows(version, versioned):
    with lend().share() as array:
        capsule = array.__dlpack__(max_version=version)
        assert dlpack.name(capsule) == ("dltensor_versioned" if versioned else "dltensor")
        struct = dlpack.struct(capsule)
        if versioned:
            assert struct.major == 1
            assert struct.minor <= 3
            assert struct.flags == 0
        assert struct.tensor.byte_offset == 0
        assert struct.tensor.strides[:2] == [3, 1]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("copy", [None, True, False])
@pytest.mark.parametrize("version", [None, (0, 8), (1, 0), (2, 0)])
@pytest.mark.parametrize("device", [None, (1, 0)])
def test_no_combination_of_arguments_is_refused_on_the_host(dtype, copy, version, device):
    loan = lend(dtype)
    with loan.share() as array:
        capsule = array.__dlpack__(max_version=version, copy=copy, dl_device=device, stream=None)
        struct = dlpack.struct(capsule)
        tensor = struct.tensor
        assert (tensor.data == loan.address) == (copy is not True)
        if version is not None and version >= (1, 0):
            assert struct.flags == (dlpack.IS_COPIED if copy else 0)
        assert tensor.bits == jvm.numpy_dtype(dtype).itemsize * 8
        assert (tensor.ndim, tensor.shape[:2]) == (2, [2, 3])
        assert (tensor.device_type, tensor.device_id) == array.__dlpack_device__() == (1, 0)
        del capsule
    assert loan.releases == 1


def test_read_only_memory_is_flagged_where_the_struct_can_say_so():
    with lend(readonly=True).share() as array:
        assert dlpack.struct(array.__dlpack__(max_version=(1, 3))).flags == dlpack.READ_ONLY
        assert not np.from_dlpack(array).flags.writeable


@pytest.mark.parametrize("version", [None, (0, 8)])
def test_read_only_memory_is_refused_where_the_struct_cannot_say_so(version):
    with (
        lend(readonly=True).share() as array,
        pytest.raises(BufferError, match="read-only"),
    ):
        array.__dlpack__(max_version=version)


def test_copy_of_read_only_memory_may_be_written():
    loan = lend(readonly=True)
    with loan.share() as array:
        copied = np.from_dlpack(array, copy=True)
        assert copied.flags.writeable
        copied[0, 0] = 77
        assert np.frombuffer(loan.first())[0] == 1
        for yes in (True, np.True_, 1):
            assert np.from_dlpack(_Unversioned(array, copy=yes))[0, 0] == 1


@pytest.mark.parametrize("stream", [0, 1, 2, -1, "x"])
def test_host_memory_has_no_stream(stream):
    with (
        lend().share() as array,
        pytest.raises((ValueError, TypeError, BufferError), match="stream"),
    ):
        array.__dlpack__(stream=stream)


@pytest.mark.parametrize("stream", [None, -1, 1, 2, 0x7F00])
@pytest.mark.parametrize("kind", [3, 13], ids=["pinned", "managed"])
def test_stream_of_cuda_memory_that_the_host_reaches_is_accepted(kind, stream):
    x = cases.values("float64", 6)
    device = jvm.java("Device")(jvm.java("DeviceType")(kind), 0)
    memory = jvm.java("Memory").borrow(x.ctypes.data, jvm.dtype("float64"), jvm.longs([6]))
    handle = jvm.java("python.PythonRuntime").share(memory.withDevice(device))
    with arrowtensor.Array(handle) as array:
        tensor = dlpack.struct(array.__dlpack__(stream=stream, max_version=(1, 3))).tensor
        assert (tensor.device_type, tensor.data) == (kind, x.ctypes.data)


@pytest.mark.parametrize("device", [(2, 0), (10, 0), (1, 7)])
def test_other_device_is_refused(device):
    with lend().share() as array, pytest.raises(BufferError, match=r"device|CUDA|ROCm|cuda|rocm"):
        array.__dlpack__(dl_device=device)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dl_device": "gpu"},
        {"dl_device": (1,)},
        {"max_version": "1.0"},
        {"max_version": (1,)},
        {"copy": "yes"},
    ],
    ids=str,
)
def test_nonsense_in_arguments_is_a_type_or_value_error(arguments):
    with lend().share() as array, pytest.raises((TypeError, ValueError)):
        array.__dlpack__(**arguments)


@pytest.mark.parametrize("version", [None, (1, 3)])
def test_capsule_that_nobody_consumes_releases_its_struct(version):
    loan = lend()
    array = loan.share()
    capsule = array.__dlpack__(max_version=version)
    array.close()
    assert loan.releases == 0
    del capsule
    assert loan.releases == 1


@pytest.mark.parametrize("version", [None, (1, 3)])
def test_capsule_releases_its_struct_while_an_exception_is_under_way(version):
    loan = lend()

    def fail():
        capsule = loan.share().__dlpack__(max_version=version)
        raise KeyError(dlpack.name(capsule))

    with pytest.raises(KeyError):
        fail()
    gc.collect()
    assert loan.releases == 1


def test_deleter_in_python_runs_while_an_exception_is_under_way():
    """As ctypes does, which runs it as Python code and fails when an exception is set before."""
    producer = dlpack.Producer()

    def use(*_):
        pytest.fail("its arguments fail")

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        use(arrowtensor.asarray(producer), 1 / 0)
    assert producer.deletions == 1


def test_capsule_is_consumed_once():
    loan = lend()
    with loan.share() as array:
        capsule = array.__dlpack__(max_version=(1, 0))
        first = np.from_dlpack(_Given(capsule))
        assert dlpack.name(capsule) == "used_dltensor_versioned"
        with pytest.raises(ValueError, match="PyCapsule"):
            np.from_dlpack(_Given(capsule))
        assert first[1, 2] == 6
    del capsule
    assert loan.releases == 0
    del first
    assert loan.releases == 1


def test_each_export_has_its_own_reference():
    loan = lend()
    with loan.share() as array:
        views = [np.from_dlpack(array) for _ in range(5)]
    while views:
        assert loan.releases == 0
        views.pop()
    assert loan.releases == 1


def test_unversioned_struct_reaches_numpy_as_read_only():
    with lend().share() as array:
        assert not np.from_dlpack(_Unversioned(array)).flags.writeable


def test_array_method_leaves_the_memory_to_the_array_that_it_made():
    loan = lend()
    array = loan.share()
    made = array.__array__()
    array.close()
    assert loan.releases == 0
    assert made[1, 2] == 6
    del made
    assert loan.releases == 1


def test_closed_array_says_so():
    array = lend().share()
    array.close()
    array.close()
    with pytest.raises((ValueError, RuntimeError, BufferError), match="closed"):
        array.__dlpack__()


def test_java_without_memory_for_an_error_is_a_memory_error():
    with pytest.raises(MemoryError, match="Java has no memory left"):
        _runtime.current().checked(_protocol.NO_MEMORY)


def test_every_number_of_dimensions_up_to_numpys_most_passes():
    for ndim in range(33):
        with Loan(cases.values("int16", *[1] * ndim)).share() as array:
            assert np.from_dlpack(array).shape == (1,) * ndim


class _Given:
    """A producer of one capsule that is there already."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return (1, 0)


class _Unversioned:
    """Shows an array as the producers did that knew neither versions nor copies."""

    def __init__(self, array, **arguments):
        self._array = array
        self._arguments = arguments

    def __dlpack__(self, stream=None):
        return self._array.__dlpack__(stream=stream, **self._arguments)

    def __dlpack_device__(self):
        return (1, 0)
