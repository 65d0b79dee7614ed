"""Arrays and batches to and from a JVM that JPype started in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jpype

from ._array import Array
from ._batch import Batch
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


def to_python(source: Any) -> Array | Batch:
    """Share a Java object with Python: whatever ``PythonRuntime.share`` takes, vectors and roots.

    The Java object stays the caller's and may be closed at once.
    """
    runtime = _runtime_class()
    arrow = jpype.JPackage("org").apache.arrow.vector
    vectors = jpype.JClass("io.arrowtensor.arrow.Vectors")
    if isinstance(source, arrow.FieldVector):
        return Array(runtime.share(vectors.view(source)))
    if isinstance(source, arrow.VectorSchemaRoot):
        batch = jpype.JClass("io.arrowtensor.DeviceBatch").from_(vectors.view(source))
        try:
            return Batch(runtime.share(batch))
        finally:
            batch.close()
    handle = runtime.share(source)
    batches = jpype.JClass("io.arrowtensor.DeviceBatch")
    return Batch(handle) if isinstance(source, batches) else Array(handle)


def to_java(shared: Array | Batch) -> Any:
    """Return a Java ``DeviceArray`` or ``OwnedBatch`` over the same memory.

    The caller closes it. It holds a reference of its own; the Python object may be closed first.
    """
    runtime = _runtime_class()
    if isinstance(shared, Batch):
        return runtime.batch(shared.handle)
    return runtime.array(shared.handle)


def _runtime_class() -> Any:
    return jpype.JClass("io.arrowtensor.python.PythonRuntime")
