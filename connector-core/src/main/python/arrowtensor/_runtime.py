"""The way from Python into the JVM of the same process: addresses of C functions, and no more."""

import atexit
import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_int64, c_size_t, py_object
from typing import TYPE_CHECKING, Final

from . import _capsules
from . import _protocol as protocol

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

_CALL: Final = CFUNCTYPE(c_int64, c_int64, c_int64, c_int64)
_DROP: Final = CFUNCTYPE(None, c_int64)
_SHARE: Final = PYFUNCTYPE(py_object, c_int64)  # does not call Java, so the lock is kept
_CAPSULE_KINDS: Final = 7


class Runtime:
    """One copy of the Java library in this process.

    Its functions may be called from any thread. They release the interpreter's lock for the time
    that Java runs, so Java may wait for it.
    """

    __slots__ = ("_entry", "call", "destroy", "drop", "names", "share_tensor")

    def __init__(self, entry: int) -> None:
        """Read the table at ``entry``, and tell Java where Python's functions are."""
        version, table = protocol.ROOT_HEADER.unpack(
            ctypes.string_at(entry, protocol.ROOT_HEADER.size)
        )
        if version != protocol.VERSION:
            raise RuntimeError(
                f"Cannot connect to version {version} of the Java library: this package speaks"
                f" version {protocol.VERSION}; install the package that belongs to the jar"
            )
        if not _capsules.in_main_interpreter():
            raise RuntimeError(
                "Cannot connect to Java from a sub-interpreter, which may end before what Java"
                " would give back to it: import arrowtensor in the main interpreter (of JEP, a"
                " SharedInterpreter)"
            )
        slots = (c_size_t * 10).from_address(table)
        self._entry: Final = entry
        self.call: Final[Callable[[int, int, int], int]] = _CALL(slots[0])
        self.drop: Final[Callable[[int], None]] = _DROP(slots[1])
        self.destroy: Final[int] = slots[2]
        kinds = (c_size_t * (2 * _CAPSULE_KINDS)).from_address(slots[3])
        self.names: Final = {ctypes.string_at(name): name for name in kinds[::2]}
        slots[4] = _capsules.address_of("PyCapsule_GetName")
        slots[5] = _capsules.address_of("PyCapsule_GetPointer")
        slots[6] = _capsules.address_of("PyCapsule_New")
        slots[8] = _capsules.address_of("PyErr_Fetch")
        slots[9] = _capsules.address_of("PyErr_Restore")
        self.share_tensor: Final[Callable[[int], CapsuleType]] = _SHARE(slots[7])
        self.ask(
            protocol.ROOT_OPEN,
            *map(_capsules.address_of, ("PyGILState_Ensure", "PyGILState_Release", "Py_DecRef")),
        )
        atexit.register(self._close)

    def ask(self, operation: int, *arguments: int) -> int:
        """Ask the root block; raises what Java threw."""
        words = (c_int64 * len(arguments))(*arguments)
        return self.checked(self.call(self._entry, operation, ctypes.addressof(words)))

    def checked(self, answer: int) -> int:
        """Return the answer of a call, or raise the error that it stands for."""
        if answer >= 0:
            return answer
        if answer == protocol.JVM_ENDED:
            raise RuntimeError("Cannot call Java: the JVM of this process has ended")
        if answer == protocol.NO_MEMORY:
            raise MemoryError("Java has no memory left: close arrays, or give its heap more (-Xmx)")
        text = ctypes.string_at(8 - answer).decode()
        error = protocol.ERRORS.get(c_int64.from_address(-answer).value, RuntimeError)
        self.drop(-answer)
        raise error(text)

    def text(self, answer: int) -> str:
        """Return the text that a call answered with."""
        block = self.checked(answer)
        text = ctypes.string_at(block + 8).decode()
        self.drop(block)
        return text

    def owner(self, block: int) -> "CapsuleType":
        """Return an object that drops ``block`` when it is collected, also at exit."""
        return _capsules.new(block, None, self.destroy)

    def capsule(self, name: bytes, address: int) -> "CapsuleType":
        """Return a capsule over a new struct; its destructor, in C, releases what nobody took."""
        return _capsules.new(address, self.names[name], self.destroy)

    def _close(self) -> None:
        # From here on no thread of Java enters the interpreter. -1, when the JVM ended first.
        self.call(self._entry, protocol.ROOT_CLOSE, 0)


_runtimes: Final[dict[int, Runtime]] = {}
_latest: list[Runtime] = []


def connect(entry: int) -> None:
    """Connect to the Java library whose ``PythonRuntime.entry()`` is ``entry``.

    Needed once, before Python hands arrays to Java; an array that comes from Java connects by
    itself. Idempotent. With several copies of the library in one process (class loaders), the one
    connected last takes what :func:`asarray` imports.

    Raises RuntimeError when jar and package are of different versions.
    """
    runtime = runtime_of(entry)
    _latest[:] = [runtime]


def runtime_of(entry: int) -> Runtime:
    """Return the runtime of an entry, connected on first use."""
    runtime = _runtimes.get(entry)
    if runtime is None:
        runtime = _runtimes.setdefault(entry, Runtime(entry))
        if not _latest:
            _latest.append(runtime)
    return runtime


def current() -> Runtime:
    """Return the runtime that imports go to."""
    if not _latest:
        raise RuntimeError(
            "Cannot import into Java: no JVM is connected; call"
            " arrowtensor.connect(PythonRuntime.entry()) or arrowtensor.jpype.start_jvm() first"
        )
    return _latest[0]
