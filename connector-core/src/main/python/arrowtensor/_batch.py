"""Batches of the JVM, and streams of them, in the words of Arrow's protocols."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _protocol as protocol
from ._array import Array
from ._handle import Handle, refuse_unknown

if TYPE_CHECKING:
    from typing_extensions import CapsuleType


class Batch(Handle):
    """Named columns of equal length whose memory belongs to Java, shared without a copy.

    It holds one reference to each column's memory, dropped by :meth:`close` or with the object;
    what was made from it holds its own. Immutable but for being closed; safe to use from any
    thread. ``batch.handle`` is what Java's ``PythonRuntime.batch`` takes.

    Arrow's protocols ignore ``requested_schema``, as they may: the types are what they are.
    """

    __slots__ = ("_names",)

    _HEADER = protocol.BATCH_HEADER
    _KIND = protocol.BATCH

    def __init__(self, handle: int) -> None:
        """Take over a handle of Java's ``PythonRuntime.share``; one object is made of each."""
        super().__init__(handle)
        self._names: list[str] | None = None

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return self._header[2]

    @property
    def num_columns(self) -> int:
        """The number of columns."""
        return self._header[3]

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        if self._names is None:
            self._names = [self._text(protocol.BATCH_NAME, i) for i in range(self.num_columns)]
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
        if not 0 <= column < self.num_columns:
            raise IndexError(f"Invalid column {column}: the batch has {self.num_columns}")
        return Array(self._call(protocol.BATCH_COLUMN, column))

    def __getitem__(self, column: str | int) -> Array:
        """Return :meth:`column`."""
        return self.column(column)

    def __repr__(self) -> str:
        if self.closed:
            return "arrowtensor.Batch(closed)"
        return f"arrowtensor.Batch({self.num_rows} rows, {self.column_names})"

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> "tuple[CapsuleType, CapsuleType]":
        """Return an ``ArrowSchema`` and an ``ArrowArray`` as capsules: a struct of the columns."""
        return self._pair(protocol.BATCH_ARROW, b"arrow_array")

    def __arrow_c_device_array__(
        self, requested_schema: object | None = None, **kwargs: Any
    ) -> "tuple[CapsuleType, CapsuleType]":
        """As ``__arrow_c_array__``, with an ``ArrowDeviceArray`` on whatever device it is."""
        refuse_unknown(kwargs)
        return self._pair(protocol.BATCH_ARROW_DEVICE, b"arrow_device_array")

    def __arrow_c_schema__(self) -> "CapsuleType":
        """Return the capsule of an ``ArrowSchema``."""
        return self.__arrow_c_device_array__()[0]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> "CapsuleType":
        """Return the capsule of an ``ArrowArrayStream`` of this one batch."""
        return self._runtime.capsule(b"arrow_array_stream", self._call(protocol.BATCH_ARROW_STREAM))

    def __arrow_c_device_stream__(
        self, requested_schema: object | None = None, **kwargs: Any
    ) -> "CapsuleType":
        """As ``__arrow_c_stream__``, an ``ArrowDeviceArrayStream`` on whatever device it is."""
        refuse_unknown(kwargs)
        return self._runtime.capsule(
            b"arrow_device_array_stream", self._call(protocol.BATCH_ARROW_DEVICE_STREAM)
        )


class Stream(Handle):
    """Batches one after the other: an iterator, or, once, an Arrow stream for another library.

    Each batch is its own to close and outlives the stream. One thread at a time. ``stream.handle``
    is what Java's ``PythonRuntime.stream`` takes, to which the stream passes then.
    """

    __slots__ = ()

    _HEADER = protocol.STREAM_HEADER
    _KIND = protocol.STREAM

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """Return the next batch; Java waits for its producer without Python's lock."""
        handle = self._call(protocol.STREAM_NEXT)
        if handle == 0:
            raise StopIteration
        return Batch(handle)

    def __repr__(self) -> str:
        return f"arrowtensor.Stream({'closed' if self.closed else 'open'})"

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> "CapsuleType":
        """Hand the batches that are left on, as the capsule of an ``ArrowArrayStream``; once."""
        return self._runtime.capsule(
            b"arrow_array_stream", self._call(protocol.STREAM_ARROW_STREAM)
        )
