"""Arrays and batches of a JVM in the same process, without a copy, by Python's array protocols.

From Java, ``PythonRuntime.share`` gives a handle, one number, that any bridge can pass::

    array = arrowtensor.Array(handle)
    numpy.from_dlpack(array)          # the same addresses
    pyarrow.array(array)

To Java, :func:`asarray` takes what any array library has; ``PythonRuntime.array(array.handle)`` is
the Java array. :mod:`arrowtensor.jpype` does both for a JVM that JPype started.

Who frees what: an object of Java is held by a reference of its own by each Python object made from
it, and an object of Python by each Java object made from it, so either may go first, on any thread;
so may the JVM or the interpreter, which then leaves the other's memory alone until the process ends.
"""

from ._array import Array
from ._batch import Batch, asbatch
from ._imports import asarray
from ._runtime import connect
from ._values import Device, Outcome

__all__ = ["Array", "Batch", "Device", "Outcome", "asarray", "asbatch", "connect"]
