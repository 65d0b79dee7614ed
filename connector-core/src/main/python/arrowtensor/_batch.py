"""Batches of the JVM, in the words of Arrow's protocols."""

import ctypes
from ctypes import c_int64
from typing import TYPE_CHECKING, Any

from . import _capsules
from . import _protocol as protocol
from ._array import Array
from ._runtime import Runtime, current, runtime_of

if TYPE_CHECKING:
    from typing_extensions import CapsuleType


class Batch:
    """Named columns of equal length whose memory belongs to Java, shared without a copy.

    It holds one reference to each column's memory, dropped by :meth:`close` or with the object;
    what was made from it holds its own. Immutable but for being closed; safe to use from any
    thread.
    """

    __slots__ = ("__weakref__", "_block", "_columns", "_names", "_owner", "_rows", "_runtime")

    def __init__(self, handle: int) -> None:
        """Take over a handle of Java's ``PythonRuntime.share``; one object is made of each."""
        self._rows: int
        self._columns: int
        entry, kind, self._rows, self._columns = protocol.BATCH_HEADER.unpack(
            ctypes.string_at(handle, protocol.BATCH_HEADER.size)
        )
        if kind != protocol.BATCH:
            raise ValueError(f"Cannot make a Batch of handle {handle}: it is not that of a batch")
        self._runtime: Runtime = runtime_of(entry)
        self._block: int = handle
        self._owner: object = self._runtime.owner(handle)
        self._names: list[str] | None = None

    def _call(self, operation: int, argument: int) -> int:
        owner = self._owner  # keeps the block while Java runs, also when another thread closes
        if owner is None:
            raise _closed()
        return self._runtime.checked(self._runtime.call(self._block, operation, argument))

    @property
    def handle(self) -> int:
        """What Java's ``PythonRuntime.batch`` takes; keep this object open for that call."""
        if self._owner is None:
            raise _closed()
        return self._block

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return self._rows

    @property
    def num_columns(self) -> int:
        """The number of columns."""
        return self._columns

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        if self._names is None:
            owner = self._owner
            if owner is None:
                raise _closed()
            call, text = self._runtime.call, self._runtime.text
            self._names = [
                text(call(self._block, protocol.BATCH_NAME, i)) for i in range(self._columns)
            ]
        return list(self._names)

    def column(self, column: str | int) -> Array:
        """Return the values of a column, by its name or position.

        Raises TypeError for a column that is more than one array: one with nulls, lists, text or a
        dictionary. The whole batch can be handed over as Arrow data then. KeyError and IndexError
        for a column that is not there.
        """
        if isinstance(column, str):
            names = self.column_names
            if column not in names:
                raise KeyError(f"Cannot find column {column!r}: the batch has {names}")
            column = names.index(column)
        if not 0 <= column < self._columns:
            raise IndexError(f"Invalid column {column}: the batch has {self._columns}")
        return Array(self._call(protocol.BATCH_COLUMN, column))

    def __getitem__(self, column: str | int) -> Array:
        """Return :meth:`column`."""
        return self.column(column)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._owner is None

    def close(self) -> None:
        """Drop this object's references to the memory. Idempotent; what was made of it stays."""
        self._owner = None

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._owner is None:
            return "arrowtensor.Batch(closed)"
        return f"arrowtensor.Batch({self._rows} rows, {self.column_names})"

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> "tuple[CapsuleType, CapsuleType]":
        """Return an ``ArrowSchema`` and an ``ArrowArray`` as capsules: a struct of the columns.

        The types are what they are: ``requested_schema`` is not followed, as the protocol allows.
        """
        return self._arrow()

    def __arrow_c_schema__(self) -> "CapsuleType":
        """Return the capsule of an ``ArrowSchema``."""
        return self._arrow()[0]

    def _arrow(self) -> "tuple[CapsuleType, CapsuleType]":
        out = (c_int64 * 2)()
        self._call(protocol.BATCH_ARROW, ctypes.addressof(out))
        capsule = self._runtime.capsule
        return capsule(b"arrow_schema", out[0]), capsule(b"arrow_array", out[1])


def asbatch(x: Any, /) -> Batch:
    """Make a batch that Java can use of an object with ``__arrow_c_array__`` of a struct type.

    A record batch of PyArrow or Polars, say; the memory stays shared, nulls become masks.
    """
    schema, array = x.__arrow_c_array__()
    _capsules.require(schema, "__arrow_c_array__")
    _capsules.require(array, "__arrow_c_array__")
    return Batch(
        current().ask(
            protocol.ROOT_TAKE_BATCH,
            _capsules.pointer(schema, b"arrow_schema"),
            _capsules.pointer(array, b"arrow_array"),
        )
    )


def _closed() -> ValueError:
    return ValueError("Cannot use a Batch that was closed: keep it open while it is used")
