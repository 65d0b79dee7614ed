"""Arrays on devices: CUDA's driver is a double with two devices in host memory, OpenCL is real."""

import pytest

import arrowtensor
import jvm
from cases import values
from outcomes import array_address, values_of

LIBRARY = "io.arrowtensor.cuda.library"


class Only:
    """Offers the CUDA array interface of an array, and nothing else."""

    def __init__(self, array):
        self.array = array
        self.__cuda_array_interface__ = array.__cuda_array_interface__


@pytest.fixture
def cuda():
    """The driver's double in place of the driver."""
    system, double = jvm.jpype.JClass("java.lang.System"), jvm.java("internal.TestNative")
    if double.class_.getResource("/native/libarrowtensortest.so") is None:
        pytest.skip("the driver's double was not compiled: mvn process-test-classes does it")
    system.setProperty(LIBRARY, double.file().toString())
    double.call("cuda_double_reset")
    yield
    system.clearProperty(LIBRARY)


def on_host(array):
    with arrowtensor.asarray(array, device="cpu") as host:
        return values_of(host).tolist()


class HostOnly:
    """A producer as the array API has it: the host is all that it may be asked for."""

    def __init__(self):
        self.values = values("int32", 3)
        self.asked = []

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()

    def __dlpack__(self, **keywords):
        self.asked.append(keywords)
        return self.values.__dlpack__(**keywords)


@pytest.mark.parametrize("copy", [None, True])
@pytest.mark.usefixtures("cuda")
def test_array_of_a_producer_that_knows_no_device_is_transferred(copy):
    x = HostOnly()
    with arrowtensor.asarray(x, device="cuda:1", copy=copy) as array:
        assert str(array.device) == "cuda:1"
        assert array.outcome[:4] == (0, 0, 12, "TRANSFER")
        assert on_host(array) == [1, 2, 3]
    assert [asked.get("dl_device") for asked in x.asked] == [(2, 1), None]


@pytest.mark.usefixtures("cuda")
def test_array_of_a_producer_that_knows_no_device_is_not_transferred_without_a_copy():
    x = HostOnly()
    with pytest.raises(BufferError, match="device"):
        arrowtensor.asarray(x, device="cuda:1", copy=False)
    assert len(x.asked) == 1


def test_array_is_transferred_to_a_real_device_and_back():
    try:
        array = arrowtensor.asarray(values("float64", 3, 4), device="opencl:0")
    except BufferError as e:
        pytest.skip(f"OpenCL is not tested: {e}")
    with array:
        assert str(array.device) == "opencl:0"
        assert array.outcome[:4] == (0, 0, 96, "TRANSFER")
        assert on_host(array) == values("float64", 3, 4).tolist()


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
@pytest.mark.usefixtures("cuda")
def test_device_of_a_cuda_array_interface_is_that_of_its_address(device):
    first = arrowtensor.asarray(values("int32", 3), device=device)
    with first, arrowtensor.asarray(Only(first)) as array:
        assert str(array.device) == device
        assert array_address(array) == array_address(first)
        assert on_host(array) == [1, 2, 3]


@pytest.mark.usefixtures("cuda")
def test_other_device_of_a_cuda_array_interface_is_reached_by_a_transfer():
    first = arrowtensor.asarray(values("int32", 3), device="cuda:1")
    with first, arrowtensor.asarray(Only(first), device="cuda:0") as array:
        assert str(array.device) == "cuda:0"
        assert array_address(array) != array_address(first)
        assert array.outcome[:4] == (0, 0, 12, "TRANSFER")
        assert on_host(array) == [1, 2, 3]
    first = arrowtensor.asarray(values("int32", 3), device="cuda:1")
    with first, pytest.raises(BufferError, match="TRANSFER"):
        arrowtensor.asarray(Only(first), device="cuda:0", copy=False)


def test_cuda_array_interface_without_elements_needs_no_address():
    class Empty:
        def __init__(self):
            data = {"shape": (0,), "typestr": "<i4", "data": (0, False), "version": 3}
            self.__cuda_array_interface__ = data

    with arrowtensor.asarray(Empty()) as array:
        assert array.shape == (0,)
