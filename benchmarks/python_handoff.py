"""Java vector -> NumPy array in one process, and PyArrow's own array -> NumPy array.

Run by ``benchmarks/run python``: needs NumPy, PyArrow and JPype, and the core compiled. Both sides
take turns; each round is the mean of many calls. Written in the layout of JMH's results.
"""

import importlib.metadata
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import arrowtensor
import jpype
import numpy as np
import pyarrow as pa
from arrowtensor.jpype import start_jvm, to_python

CALLS = 1_000
ROUNDS = 40
WARMUP = 20
LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def vector(allocator: object, rows: int) -> object:
    """Make a vector of ``rows`` floats that are known not to be null."""
    types = jpype.JPackage("org").apache.arrow.vector.types
    field = types.pojo.FieldType.notNullable(types.Types.MinorType.FLOAT4.getType())
    made = jpype.JClass("org.apache.arrow.vector.Float4Vector")("x", field, allocator)
    made.allocateNew(rows)
    jpype.JClass("io.arrowtensor.internal.RawMemory").fill(
        made.getValidityBufferAddress(), (rows + 7) // 8, -1
    )
    made.setValueCount(rows)
    return made


def candidates(java: object, rows: int) -> dict[str, Callable[[], object]]:
    """Name what is compared; each makes a NumPy array over the memory that is there."""
    shared = to_python(java)
    own = pa.array(np.zeros(rows, np.float32))
    runtime = jpype.JClass("io.arrowtensor.python.PythonRuntime")
    vectors = jpype.JClass("io.arrowtensor.arrow.Vectors")
    assert np.from_dlpack(shared).ctypes.data == java.getDataBufferAddress()
    assert np.from_dlpack(own).ctypes.data == own.buffers()[1].address
    return {
        "PyArrow.array_to_numpy": lambda: np.from_dlpack(own),
        "ArrowTensor.shared_vector_to_numpy": lambda: np.from_dlpack(shared),
        "ArrowTensor.vector_through_jpype_to_numpy": lambda: np.from_dlpack(
            arrowtensor.Array(runtime.share(vectors.view(java)))
        ),
    }


def round_of(function: Callable[[], object]) -> float:
    """Nanoseconds of this thread for one call."""
    start = time.thread_time_ns()
    for _ in range(CALLS):
        function()
    return (time.thread_time_ns() - start) / CALLS


def measure(java: object, rows: int) -> list[dict[str, object]]:
    """Take turns; the first rounds do not count."""
    functions = candidates(java, rows)
    times: dict[str, list[float]] = {name: [] for name in functions}
    for done in range(WARMUP + ROUNDS):
        for name, function in functions.items():
            taken = round_of(function)
            if done >= WARMUP:
                times[name].append(taken)
    for name, taken in times.items():
        print(f"{name:45} {rows:>10} rows {statistics.median(taken):8.0f} ns", flush=True)
    return [result(name, rows, taken) for name, taken in times.items()]


def result(name: str, rows: int, taken: list[float]) -> dict[str, object]:
    """Describe one benchmark as JMH does."""
    versions = ", ".join(
        f"{module} {importlib.metadata.version(module)}"
        for module in ("numpy", "pyarrow", "jpype1")
    )
    return {
        "benchmark": name,
        "mode": "avgt",
        "jdkVersion": str(jpype.java.lang.System.getProperty("java.version")),
        "with": f"Python {sys.version.split()[0]}, {versions}",
        "params": {"rows": str(rows)},
        "primaryMetric": {
            "score": statistics.median(taken),
            "scoreUnit": "ns/op",
            "rawData": [taken],
        },
    }


def main() -> None:
    """Arguments: the file to write, the class path."""
    start_jvm(sys.argv[2], jvm_args=["--add-opens=java.base/java.nio=ALL-UNNAMED"])
    allocator = jpype.JClass("org.apache.arrow.memory.RootAllocator")()
    results = []
    for rows in LENGTHS:
        java = vector(allocator, rows)
        results += measure(java, rows)
        java.close()
    Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
