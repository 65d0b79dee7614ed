"""What everything that holds a handle of Java does alike."""

import ctypes
from ctypes import c_int64
from struct import Struct
from typing import TYPE_CHECKING, Any, ClassVar

from ._runtime import Runtime, runtime_of

if TYPE_CHECKING:
    from typing_extensions import CapsuleType, Self


class Handle:
    """A block of Java, dropped when this object is closed or collected.

    Whatever uses the block keeps the owner meanwhile, as another thread may close.
    """

    __slots__ = ("__weakref__", "_block", "_header", "_owner", "_runtime")

    _HEADER: ClassVar[Struct]
    _KIND: ClassVar[int]

    def __init__(self, handle: int) -> None:
        """Take over a handle of Java's ``PythonRuntime.share``; one object is made of each.

        Connects to the Java library that made it, if need be.
        """
        header = self._HEADER.unpack(ctypes.string_at(handle, self._HEADER.size))
        name = type(self).__qualname__
        if header[1] != self._KIND:
            raise ValueError(f"Cannot make a {name} of handle {handle}: it is of another kind")
        runtime = runtime_of(header[0])
        self._header: tuple[int, ...] = header
        self._runtime: Runtime = runtime
        self._block: int = handle
        self._owner: CapsuleType | None = runtime.owner(handle)

    @property
    def handle(self) -> int:
        """The number by which Java finds this object; keep it open while Java looks."""
        self._open()
        return self._block

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._owner is None

    def close(self) -> None:
        """Drop this object's references to the memory. Idempotent.

        What was made from it stays valid: it has references of its own, or it keeps this object,
        and then the memory lives as long as that.
        """
        self._owner = None

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> "CapsuleType":
        """Return the owner, for the caller to keep while it uses the block."""
        owner = self._owner
        if owner is None:
            name = type(self).__qualname__
            raise ValueError(f"Cannot use a closed {name}: keep it open while it is used")
        return owner

    def _call(self, operation: int, argument: int = 0) -> int:
        owner = self._open()
        answer = self._runtime.checked(self._runtime.call(self._block, operation, argument))
        del owner
        return answer

    def _text(self, operation: int, argument: int = 0) -> str:
        owner = self._open()
        text = self._runtime.text(self._runtime.call(self._block, operation, argument))
        del owner
        return text

    def _pair(self, operation: int, array: bytes) -> "tuple[CapsuleType, CapsuleType]":
        """Return capsules of a new schema and of a new array of the kind that is named."""
        out = (c_int64 * 2)()
        self._call(operation, ctypes.addressof(out))
        capsule = self._runtime.capsule
        return capsule(b"arrow_schema", out[0]), capsule(array, out[1])


def refuse_unknown(arguments: dict[str, Any]) -> None:
    """Refuse keywords that a later version of Arrow's protocols may have, as these demand."""
    unknown = [name for name, value in arguments.items() if value is not None]
    if unknown:
        raise NotImplementedError(f"Cannot follow the keywords {unknown}: they are not known here")
