"""An array of the JVM, in the words of Python's protocols."""

import ctypes
import json
import sys
from ctypes import c_int64
from typing import TYPE_CHECKING, Any, Final

from . import _buffers, _capsules
from . import _protocol as protocol
from ._runtime import Runtime, runtime_of
from ._values import Device, Outcome

if TYPE_CHECKING:
    import numpy
    from typing_extensions import CapsuleType

_DLPACK_NAMES: Final = (b"dltensor_versioned", b"dltensor")


class Array:
    """An array whose memory belongs to Java, shared without a copy.

    It holds one reference to the memory, dropped by :meth:`close` or with the object. What was made
    from it (NumPy arrays, Arrow arrays, views) holds its own, so either may go first; so may the
    JVM or the interpreter. Immutable but for being closed; safe to use from any thread.
    """

    __slots__ = (
        "__weakref__",
        "_block",
        "_device",
        "_header",
        "_lent",
        "_owner",
        "_protocol",
        "_runtime",
        "_tensor",
    )

    def __init__(self, handle: int) -> None:
        """Take over a handle of Java's ``PythonRuntime.share``; one object is made of each.

        Connects to the Java library that made it, if need be.
        """
        self._open(handle, None)

    def _open(self, handle: int, protocol_name: str | None) -> None:
        header = protocol.ARRAY_HEADER.unpack(ctypes.string_at(handle, protocol.ARRAY_HEADER.size))
        if header[1] != protocol.ARRAY:
            raise ValueError(f"Cannot make an Array of handle {handle}: it is not that of an array")
        runtime = runtime_of(header[0])
        self._runtime: Runtime = runtime
        self._block: int = handle
        self._header: tuple[int, ...] = header
        self._device = (header[2], header[3])
        self._protocol = protocol_name
        self._owner: object = runtime.owner(handle)
        self._lent: object = None
        self._tensor: int = header[12]

    def _call(self, operation: int, argument: int) -> int:
        owner = self._owner  # keeps the block while Java runs, also when another thread closes
        if owner is None:
            raise _closed()
        return self._runtime.checked(self._runtime.call(self._block, operation, argument))

    def _text(self, operation: int) -> str:
        owner = self._owner
        if owner is None:
            raise _closed()
        return self._runtime.text(self._runtime.call(self._block, operation, 0))

    def _words(self, start: int, count: int) -> tuple[int, ...]:
        owner = self._owner
        if owner is None:
            raise _closed()
        offset = protocol.ARRAY_HEADER.size + 8 * start
        words = tuple((c_int64 * count).from_address(self._block + offset))
        del owner
        return words

    @property
    def handle(self) -> int:
        """What Java's ``PythonRuntime.array`` takes; keep this object open for that call."""
        if self._owner is None:
            raise _closed()
        return self._block

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions; empty for a scalar."""
        return self._words(0, self.ndim)

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements (not bytes) from one index to the next, for each dimension."""
        return self._words(self.ndim, self.ndim)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._header[4]

    @property
    def dtype(self) -> str:
        """The name of the element type, as NumPy or ml_dtypes call it."""
        return self._text(protocol.ARRAY_DTYPE)

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return Device(*self._device)

    @property
    def readonly(self) -> bool:
        """Whether nobody may write."""
        return self._header[5] != 0

    @property
    def nbytes(self) -> int:
        """Bytes of all elements, without gaps between them."""
        return self._header[7]

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._header[8]

    @property
    def outcome(self) -> Outcome:
        """What it took to come by this array."""
        shared, decoded, copied = self._header[9:12]
        reason = self._text(protocol.ARRAY_REASON) if decoded or copied else None
        return Outcome(shared, decoded, copied, reason, self._protocol)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._owner is None

    def close(self) -> None:
        """Drop this object's reference to the memory. Idempotent.

        What was made from it stays valid.
        """
        self._owner = None

    def __enter__(self) -> "Array":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._owner is None:
            return "arrowtensor.Array(closed)"
        mode = ", read-only" if self.readonly else ""
        return (
            f"arrowtensor.Array(shape={self.shape}, dtype={self.dtype}, strides={self.strides},"
            f" device={self.device}{mode})"
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's device type and the index among devices of that type."""
        return self._device

    def __dlpack__(
        self,
        *,
        stream: int | Any | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> "CapsuleType":
        """Return a DLPack capsule; its consumer holds the memory by a reference of its own.

        ``max_version`` of (1, 0) or later gets a ``dltensor_versioned`` of version 1.3, else a
        ``dltensor``, which cannot say that memory is read-only: such memory needs a copy then.
        ``copy=True`` always copies, ``False`` never does.

        Raises BufferError when the array cannot be handed out so, ValueError for arguments that
        make no sense or a closed array.
        """
        owner = self._owner  # keeps the tensor, also when another thread closes
        if owner is None:
            raise _closed()
        if (
            (copy is None or copy is False)
            and stream is None
            and max_version is not None
            and max_version[0] >= 1
            and (dl_device is None or dl_device == self._device)
            and self._tensor
        ):
            return self._runtime.share_tensor(self._tensor)
        return self._dlpack(stream, max_version, dl_device, copy)

    def _dlpack(
        self,
        stream: int | None,
        max_version: tuple[int, int] | None,
        dl_device: tuple[int, int] | None,
        copy: bool | None,
    ) -> "CapsuleType":
        """Return a capsule over a struct of its own."""
        old = max_version is None or max_version[0] < 1
        kind, number = self._device if dl_device is None else dl_device
        if copy not in protocol.COPY:
            raise ValueError(f"Invalid copy={copy!r}: expected True, False or None")
        if old and self.readonly and copy is not True:
            raise BufferError(
                "Cannot export read-only memory as an unversioned capsule, which cannot say so:"
                " pass max_version=(1, 0) or later, or copy=True"
            )
        if stream is not None and kind in protocol.HOST_DEVICES:
            raise ValueError(f"Invalid stream {stream!r} for memory of the host: expected None")
        arguments = (c_int64 * 6)(
            protocol.COPY[copy], int(kind), int(number), not old, stream is not None, stream or 0
        )
        answer = self._call(protocol.ARRAY_DLPACK, ctypes.addressof(arguments))
        return self._runtime.capsule(_DLPACK_NAMES[old], answer)

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> "tuple[CapsuleType, CapsuleType]":
        """Return the capsules of an ``ArrowSchema`` and an ``ArrowArray`` over the same memory.

        One dimension is a column of its plain type, more are nested fixed-size lists. The type is
        what it is: ``requested_schema`` is not followed, which the protocol allows.
        """
        return self._arrow()

    def __arrow_c_schema__(self) -> "CapsuleType":
        """Return the capsule of an ``ArrowSchema``."""
        return self._arrow()[0]

    def _arrow(self) -> "tuple[CapsuleType, CapsuleType]":
        out = (c_int64 * 2)()
        self._call(protocol.ARRAY_ARROW, ctypes.addressof(out))
        capsule = self._runtime.capsule
        return capsule(b"arrow_schema", out[0]), capsule(b"arrow_array", out[1])

    def _interface(self, operation: int) -> dict[str, Any]:
        # Consumers keep this object, not a reference to the memory: so close() must not end it.
        self._lent = self._owner
        described: dict[str, Any] = json.loads(self._text(operation))
        for key in ("shape", "strides", "data"):
            if described.get(key) is not None:
                described[key] = tuple(described[key])
        return described

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """NumPy's description, version 3, of memory that the host can reach.

        Who uses the address keeps this object, and the memory lives as long as that, whether it is
        closed or not. AttributeError elsewhere and for types that NumPy lacks.
        """
        self._require_attribute("__array_interface__", protocol.HOST_DEVICES)
        return self._attribute(protocol.ARRAY_INTERFACE)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Numba's description, version 3, of memory that CUDA devices can reach.

        It names the stream to wait for, None when the memory is ready. Lifetime as with
        ``__array_interface__``. AttributeError elsewhere, so that ``hasattr`` says it.
        """
        self._require_attribute("__cuda_array_interface__", protocol.CUDA_DEVICES)
        described = self._attribute(protocol.ARRAY_CUDA_INTERFACE)
        described.setdefault("stream", None)
        return described

    @property
    def __array_struct__(self) -> "CapsuleType":
        """NumPy's description as a capsule of a ``PyArrayInterface``, which holds the memory."""
        self._require_attribute("__array_struct__", protocol.HOST_DEVICES)
        self._lent = self._owner
        try:
            return self._runtime.owner(self._call(protocol.ARRAY_STRUCT, 0))
        except TypeError as error:
            raise AttributeError(str(error)) from None

    def _attribute(self, operation: int) -> dict[str, Any]:
        try:
            return self._interface(operation)
        except TypeError as error:
            raise AttributeError(str(error)) from None

    def _require_attribute(self, name: str, devices: tuple[int, ...]) -> None:
        if self._device[0] not in devices:
            raise AttributeError(f"Array on {self.device} has no attribute {name!r}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "numpy.ndarray[Any, Any]":
        """Return a NumPy array, shared unless ``dtype`` or ``copy=True`` ask for a copy.

        Raises ValueError when a copy is needed and ``copy=False`` forbids it, as NumPy does, and
        TypeError for memory that the host cannot reach or a type that NumPy lacks.
        """
        import numpy  # noqa: PLC0415 - not a dependency of this package

        try:
            self.__array_interface__  # noqa: B018 - says what is wrong
        except AttributeError as error:
            raise TypeError(f"Cannot make a NumPy array: {error}") from None
        if copy is True:
            return numpy.array(numpy.from_dlpack(self), dtype=dtype)
        shared = numpy.from_dlpack(self)
        if dtype is None or numpy.dtype(dtype) == shared.dtype:
            return shared
        if copy is False:
            raise ValueError(
                f"Cannot convert {shared.dtype} to {numpy.dtype(dtype)} without a copy, which"
                " copy=False forbids"
            )
        return shared.astype(dtype)

    def view(self) -> memoryview:
        """Return a typed ``memoryview`` of the memory, which it keeps alive, on every version.

        Before Python 3.12 this is the way to get one, and the memory must be contiguous and its
        type one that ``memoryview`` can convert to: no float16, no complex numbers.

        Raises BufferError for what has no such view, naming the reason.
        """
        owner = self._owner
        if owner is None:
            raise _closed()
        if sys.version_info >= (3, 12):
            return memoryview(self)
        return _buffers.contiguous(self, self._header[6], owner)

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> memoryview:
            """Return the memory as ``memoryview(array)`` has it; Python checks ``flags``."""
            owner = self._owner
            if owner is None:
                raise _closed()
            self._lent = owner  # the view keeps this object, not a reference to the memory
            return _buffers.strided(self, self._header[6])


if sys.version_info < (3, 12):
    # CPython before 3.12 asks no Python code for a buffer; its TypeError shows the type's name.
    _buffers.rename(Array, "Array (call its method view() for a memoryview)")


def imported(handle: int, protocol_name: str) -> Array:
    """Wrap a handle that an import made."""
    array = Array.__new__(Array)
    array._open(handle, protocol_name)
    return array


def _closed() -> ValueError:
    return ValueError("Cannot use an Array that was closed: keep it open while it is used")
