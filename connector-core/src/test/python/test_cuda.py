"""Arrays on a real CUDA device, with libraries that work there; test_devices.py has a double."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arrowtensor
import jvm
from cases import LAYOUTS, STANDARD, values
from jvm import Loan
from outcomes import array_address, values_of

HERE = Path(__file__).parent
LONG = 1_000_000_000
"""Cycles of a kernel that does nothing, about half a second."""


@pytest.fixture(scope="module", autouse=True)
def _cuda():
    try:
        arrowtensor.asarray(np.zeros(1), device="cuda:0").close()
    except BufferError as e:
        if "Cannot open the CUDA driver" in str(e) or "CUDA_ERROR_NO_DEVICE" in str(e):
            pytest.skip(f"CUDA's real driver is not tested: {e}")
        raise


def torch() -> Any:
    module = pytest.importorskip("torch")
    if not module.cuda.is_available():
        pytest.skip("PyTorch sees no CUDA device")
    return module


def cupy() -> Any:
    return pytest.importorskip("cupy")


def jax() -> Any:
    module = pytest.importorskip("jax")
    module.config.update("jax_enable_x64", True)
    try:
        module.devices("cuda")
    except RuntimeError as e:
        pytest.skip(f"JAX sees no CUDA device: {e}")
    return module


def numba() -> Any:
    pytest.importorskip("numba")
    return pytest.importorskip("numba.cuda")


class Only:
    """Offers the CUDA array interface of an array, and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = array.__cuda_array_interface__


@dataclass(frozen=True)
class Library:
    """How a library takes an array of the device, and gives one."""

    name: str
    take: Callable[[Any], Any]
    address: Callable[[Any], int]
    fetch: Callable[[Any], np.ndarray]
    """To the host, by the library's own means."""
    give: Callable[[np.ndarray], Any]
    """A device array of its own with NumPy's values."""

    def __str__(self) -> str:
        return self.name


def by_interface(x: Any) -> int:
    return x.__cuda_array_interface__["data"][0]


LIBRARIES = [
    Library(
        "torch.from_dlpack",
        lambda array: torch().from_dlpack(array),
        lambda x: x.data_ptr(),
        lambda x: x.cpu().numpy(),
        lambda x: torch().from_numpy(x).cuda(),
    ),
    Library(
        "torch.as_tensor, __cuda_array_interface__",
        lambda array: torch().as_tensor(Only(array), device="cuda:0"),
        lambda x: x.data_ptr(),
        lambda x: x.cpu().numpy(),
        lambda x: Only(torch().from_numpy(x).cuda()),
    ),
    Library(
        "cupy.from_dlpack",
        lambda array: cupy().from_dlpack(array),
        by_interface,
        lambda x: x.get(),
        lambda x: cupy().asarray(x),
    ),
    Library(
        "cupy.asarray, __cuda_array_interface__",
        lambda array: cupy().asarray(Only(array)),
        by_interface,
        lambda x: x.get(),
        lambda x: Only(cupy().asarray(x)),
    ),
    Library(
        "jax.dlpack.from_dlpack",
        lambda array: jax().dlpack.from_dlpack(array),
        lambda x: x.unsafe_buffer_pointer(),
        np.asarray,
        lambda x: jax().device_put(x, jax().devices("cuda")[0]),
    ),
    Library(
        "numba.cuda.as_cuda_array",
        lambda array: numba().as_cuda_array(array),
        by_interface,
        lambda x: x.copy_to_host(),
        lambda x: numba().to_device(x),
    ),
]


def on_host(array: Any) -> np.ndarray:
    with arrowtensor.asarray(array, device="cpu") as host:
        return values_of(host).copy()


@pytest.mark.parametrize("dtype", STANDARD)
@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_library_takes_memory_of_the_device_without_a_copy(library, dtype):
    expected = values(dtype, 3, 4)
    with arrowtensor.asarray(expected, device="cuda:0") as array:
        assert array.outcome[:4] == (0, 0, expected.nbytes, "TRANSFER")
        taken = library.take(array)
        assert library.address(taken) == array_address(array)
    np.testing.assert_array_equal(library.fetch(taken), expected)
    assert library.fetch(taken).dtype == expected.dtype
    del taken
    gc.collect()


@pytest.mark.parametrize("dtype", STANDARD)
@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_memory_of_a_library_is_taken_without_a_copy(library, dtype):
    expected = values(dtype, 3, 4)
    x = library.give(expected)
    address = library.address(x.array if isinstance(x, Only) else x)
    array = arrowtensor.asarray(x)
    with array:
        assert str(array.device) == "cuda:0"
        assert array.outcome.is_zero_copy
        assert array_address(array) == address
        del x
        np.testing.assert_array_equal(on_host(array), expected)
    del array
    gc.collect()


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_torch_stay_what_they_are(name):
    expected = LAYOUTS[name]("float32")
    if any(stride < 0 for stride in expected.strides):
        pytest.skip("PyTorch has no negative strides")
    root = torch().from_numpy(np.ascontiguousarray(values("float32", 64))).cuda()
    x = root.as_strided(expected.shape, [s // expected.itemsize for s in expected.strides], 3)
    with arrowtensor.asarray(x) as array:
        assert array.shape == tuple(x.shape)
        back = torch().from_dlpack(array)
        assert torch().equal(back, x)
        if x.numel() > 0:
            assert back.data_ptr() == x.data_ptr()
        assert back.shape == x.shape
        del back
    gc.collect()


def test_strided_memory_of_the_device_is_refused_with_the_remedy():
    x = torch().arange(12, device="cuda").reshape(3, 4).T
    with arrowtensor.asarray(x) as array:
        with pytest.raises(BufferError, match="contiguous"):
            arrowtensor.asarray(array, device="cpu")
        assert on_host(torch().from_dlpack(array).contiguous()).tolist() == x.tolist()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_small_floats_go_to_torch_and_back(name):
    expected = values(name, 3, 4)
    with arrowtensor.asarray(Loan(expected).share(), device="cuda:0") as array:
        x = torch().from_dlpack(array)
        assert str(x.dtype) == f"torch.{name}"
        assert x.data_ptr() == array_address(array)
    assert x.float().cpu().tolist() == expected.astype(np.float32).tolist()
    with arrowtensor.asarray(x) as back:
        assert back.dtype == name
        assert array_address(back) == x.data_ptr()
        np.testing.assert_array_equal(on_host(back), expected)
    del x
    gc.collect()


def test_writes_are_seen_on_both_sides():
    with arrowtensor.asarray(values("int32", 6), device="cuda:0") as array:
        x = torch().from_dlpack(array)
        x += 10
        torch().cuda.synchronize()
        assert on_host(array).tolist() == (values("int32", 6) + 10).tolist()
        del x
    gc.collect()


def test_memory_of_torchs_side_stream_is_read_after_its_work():
    side = torch().cuda.Stream()
    x = torch().zeros(1 << 20, device="cuda")
    arrowtensor.asarray(x.fill_(1)).close()  # what only the first call takes
    torch().cuda.synchronize()
    with torch().cuda.stream(side):
        torch().cuda._sleep(LONG)
        x.fill_(7)
        array = arrowtensor.asarray(x)
        assert not side.query(), "the host did not wait"
    with array:
        assert (on_host(array) == 7).all()
        assert side.query()


def filled_later(stream: Any) -> Only:
    """CuPy's array of a million sevens, which the stream's work makes in a while."""
    x = cupy().zeros(1 << 20, cupy().float32)
    x.fill(1)  # what only the first call takes
    torch().cuda._sleep(1)
    cupy().cuda.Device().synchronize()
    with torch().cuda.stream(torch().cuda.ExternalStream(stream.ptr)):
        torch().cuda._sleep(LONG)
    with stream:
        x.fill(7)
        return Only(x)


def test_interfaces_stream_is_waited_for():
    producer = cupy().cuda.Stream(non_blocking=True)
    only = filled_later(producer)
    assert only.__cuda_array_interface__["stream"] == producer.ptr
    with arrowtensor.asarray(only) as array:
        assert not producer.done, "the host did not wait"
        assert (on_host(array) == 7).all()


def test_torchs_side_stream_waits_for_the_producer():
    torch().ones(1, device="cuda").sum().item()  # what only the first call takes
    producer = cupy().cuda.Stream(non_blocking=True)
    array = arrowtensor.asarray(filled_later(producer))
    side = torch().cuda.Stream()
    with array, torch().cuda.stream(side):
        y = torch().from_dlpack(array)
        total = y.sum()
        assert not producer.done, "the host did not wait"
        assert total.item() == 7 * (1 << 20)
        del y
    gc.collect()


def test_last_user_frees_the_memory_of_the_device():
    free = torch().cuda.mem_get_info
    first = arrowtensor.asarray(values("uint8", 1), device="cuda:0")  # the driver's own needs
    first.close()
    before = free()[0]
    array = arrowtensor.asarray(np.zeros(64 << 20, np.uint8), device="cuda:0")
    x = torch().from_dlpack(array)
    array.close()
    assert free()[0] <= before - (64 << 20)
    del x
    gc.collect()
    assert free()[0] == before


def test_arrow_column_is_scored_on_the_device():
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(1)
    data = rng.random((1000, 8), np.float32)
    weights = rng.random((8, 3), np.float32)
    with arrowtensor.asarray(pa.array(data.ravel()), device="cuda:0") as features:
        scores = torch().from_dlpack(features).reshape(1000, 8) @ torch().from_numpy(weights).cuda()
    with arrowtensor.asarray(scores) as array:
        np.testing.assert_allclose(on_host(array), data @ weights, rtol=1e-2)
    del scores
    gc.collect()


def test_device_of_torchs_pinned_memory_is_the_hosts():
    x = torch().arange(4.0).pin_memory()
    with arrowtensor.asarray(x) as array:
        assert array_address(array) == x.data_ptr()
        assert values_of(array).tolist() == [0, 1, 2, 3]


PROGRAM = """
import numpy as np
import jvm
jvm.start()
import arrowtensor, torch
array = arrowtensor.asarray(np.arange(4.0), device="cuda:0")
taken = torch.from_dlpack(array)
lent = arrowtensor.asarray(torch.arange(3, device="cuda"))
other = arrowtensor.asarray(torch.arange(5, device="cuda"))
jvm.java("testing.JvmThreads").keep(jvm.java("python.PythonRuntime").array(other.handle))
print(taken.sum().item())
"""


def test_process_ends_by_itself_with_memory_of_the_device_alive(tmp_path):
    torch()
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "main" / "python")])
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")]),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    assert ended.stdout.splitlines()[-1:] == ["6.0"], output
    assert not list(tmp_path.glob("hs_err*")), output
    assert "Traceback" not in output


def test_driver_is_the_real_one():
    assert jvm.jpype.JClass("java.lang.System").getProperty("io.arrowtensor.cuda.library") is None
