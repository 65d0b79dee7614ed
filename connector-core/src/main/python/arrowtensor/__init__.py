"""Arrays and batches of a JVM in the same process, without a copy, by Python's array protocols.

From Java, ``PythonRuntime.share`` gives a handle, one number, that any bridge can pass::

    array = arrowtensor.Array(handle)
    numpy.from_dlpack(array)          # the same addresses
    pyarrow.array(array)

To Java, :func:`asarray` takes what any array library has, :func:`asbatch` and :func:`from_stream`
what any table library has; ``PythonRuntime.array(array.handle)`` is
the Java array. :mod:`arrowtensor.jpype` does both for a JVM that JPype started.

Who frees what: each Python object made from memory of Java holds a reference of its own to it, and
so does each Java object made from memory of Python: either may go first, on any thread. So may the
JVM or the interpreter, whose memory is then left alone until the process ends. All of this is for
the main interpreter of a process: a sub-interpreter is refused.
"""

from ._array import Array
from ._batch import Batch, Stream
from ._imports import asarray, asbatch, from_stream
from ._runtime import connect
from ._values import Device, Outcome

__all__ = [
    "Array",
    "Batch",
    "Device",
    "Outcome",
    "Stream",
    "asarray",
    "asbatch",
    "connect",
    "from_stream",
]
