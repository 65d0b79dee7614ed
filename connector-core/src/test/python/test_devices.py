"""Arrays on devices: CUDA's driver is a double with two devices in host memory, OpenCL is real."""

import ctypes
import gc

import pytest

import arrowtensor
import jvm
from cases import values
from dlpack import Producer
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


class OnDevice(Producer):
    """Claims to be elsewhere, as memory of the driver's double may, which is the host's."""

    def __init__(self, kind, number, address=None):
        super().__init__(values=values("float64", 3))
        self.device = (kind, number)
        self.tensor.device_type, self.tensor.device_id = kind, number
        if address is not None:
            self.tensor.data = address
        self.asked = []

    def __dlpack__(self, **keywords):
        self.asked.append(keywords)
        return super().__dlpack__(**keywords)


def calls():
    """What the driver was asked to do since the last time, without contexts."""
    double = jvm.java("internal.TestNative")
    text = ctypes.string_at(double.call("cuda_double_calls")).decode()
    double.call("cuda_double_forget_calls")
    return [name for name in text.splitlines() if not name.startswith("cuCtx")]


@pytest.mark.usefixtures("cuda")
def test_device_memory_is_ordered_after_the_default_stream():
    with arrowtensor.asarray(values("float64", 3), device="cuda:0") as first:
        producer = OnDevice(2, 0, array_address(first))
        with arrowtensor.asarray(producer) as array:
            assert array.__cuda_array_interface__["stream"] == 1
            calls()
            array.__dlpack__(max_version=(1, 0), stream=-1)
            array.__dlpack__(max_version=(1, 0), stream=1)
            assert calls() == []
            array.__dlpack__(max_version=(1, 0), stream=2)
            assert calls().count("cuStreamWaitEvent") == 1
    del array  # the interface has no release: the object keeps the memory
    gc.collect()
    assert producer.deletions == 1


@pytest.mark.usefixtures("cuda")
def test_managed_memory_is_waited_for_at_once():
    calls()
    producer = OnDevice(13, 0)
    with arrowtensor.asarray(producer) as array:
        assert calls().count("cuStreamSynchronize") == 1
        assert values_of(array).tolist() == [1, 2, 3]
    assert producer.deletions == 1


@pytest.mark.parametrize(
    ("kind", "stream"), [(1, None), (2, 1), (3, None), (10, 0), (11, None), (13, 1)]
)
@pytest.mark.usefixtures("cuda")
def test_producer_is_told_the_stream_that_it_orders_its_work_before(kind, stream):
    producer = OnDevice(kind, 0)
    arrowtensor.asarray(producer).close()
    assert producer.asked == [
        {"max_version": (1, 3)} if stream is None else {"max_version": (1, 3), "stream": stream}
    ]


class OfBefore2024(OnDevice):
    """Knows no keyword but the first."""

    def __dlpack__(self, stream=None):
        return super().__dlpack__(stream=stream)


@pytest.mark.usefixtures("cuda")
def test_old_producer_is_told_the_stream_too():
    producer = OfBefore2024(2, 0)
    arrowtensor.asarray(producer).close()
    assert producer.asked == [{"stream": 1}]


@pytest.mark.usefixtures("cuda")
def test_producer_that_moves_the_memory_itself_is_told_no_stream():
    producer = OnDevice(2, 0)
    producer.tensor.device_type = 1
    arrowtensor.asarray(producer, device="cpu").close()
    assert producer.asked == [{"max_version": (1, 3), "dl_device": (1, 0)}]


@pytest.mark.usefixtures("cuda")
def test_producer_that_moves_the_memory_to_another_device_is_told_the_stream_there():
    producer = OnDevice(2, 0)
    producer.tensor.device_id = 1
    arrowtensor.asarray(producer, device="cuda:1").close()
    assert producer.asked == [{"max_version": (1, 3), "dl_device": (2, 1), "stream": 1}]


@pytest.mark.parametrize("kind", [1, 3, 10, 11])
@pytest.mark.usefixtures("cuda")
def test_other_memory_is_ready(kind):
    calls()
    with arrowtensor.asarray(OnDevice(kind, 0)) as array:
        array.__dlpack__(max_version=(1, 0))
    assert calls() == []
