"""Arrays and batches to and from a JVM that JPype started in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jpype

from ._array import Array
from ._batch import Batch, Stream
from ._runtime import connect


def start_jvm(*classpath: str, jvm_args: Sequence[str] = ()) -> None:
    """Start the JVM of this process with these jars and folders, and connect to it.

    The class path holds the connector and what it needs. Raises OSError when a JVM runs already:
    start it as you like, then call :func:`connect_jvm`.
    """
    jpype.startJVM(*jvm_args, classpath=list(classpath), convertStrings=False)
    connect_jvm()


def connect_jvm() -> None:
    """Connect to the JVM that runs in this process; any number of times."""
    connect(_runtime_class().entry())


def to_python(source: Any) -> Array | Batch | Stream:
    """Share a Java object with Python: whatever ``PythonRuntime.share`` takes, vectors and roots.

    A stream passes to Python; anything else stays the caller's and may be closed at once.
    """
    runtime = _runtime_class()
    vectors = jpype.JClass("io.arrowtensor.arrow.Vectors")
    if isinstance(source, jpype.JClass("org.apache.arrow.vector.FieldVector")):
        return Array(runtime.share(vectors.view(source)))
    batches = jpype.JClass("io.arrowtensor.DeviceBatch")
    if isinstance(source, jpype.JClass("org.apache.arrow.vector.VectorSchemaRoot")):
        with batches.from_(vectors.view(source)) as batch:
            return Batch(runtime.share(batch))
    handle = runtime.share(source)
    if isinstance(source, batches):
        return Batch(handle)
    streams = jpype.JClass("io.arrowtensor.BatchStream")
    return Stream(handle) if isinstance(source, streams) else Array(handle)


def to_java(shared: Array | Batch | Stream) -> Any:
    """Return a Java ``DeviceArray``, ``OwnedBatch`` or ``BatchStream``, which the caller closes.

    Arrays and batches hold references of their own, and the Python object may be closed first; a
    stream passes to Java.
    """
    runtime = _runtime_class()
    if isinstance(shared, Stream):
        return runtime.stream(shared.handle)
    return (runtime.batch if isinstance(shared, Batch) else runtime.array)(shared.handle)


def _runtime_class() -> Any:
    return jpype.JClass("io.arrowtensor.python.PythonRuntime")
