"""An array of the JVM, in the words of Python's protocols."""

import ctypes
import json
import sys
from ctypes import c_int64
from typing import TYPE_CHECKING, Any

from . import _buffers
from . import _protocol as protocol
from ._handle import Handle, refuse_unknown
from ._values import Device, Outcome

if TYPE_CHECKING:
    import numpy
    from typing_extensions import CapsuleType


class Array(Handle):
    """An array whose memory belongs to Java, shared without a copy.

    It holds one reference to the memory, dropped by :meth:`close` or with the object. What was made
    from it (NumPy arrays, Arrow arrays, views) holds its own, so either may go first; so may the
    JVM or the interpreter. Immutable but for being closed; safe to use from any thread.

    ``array.handle`` is what Java's ``PythonRuntime.array`` takes.
    """

    __slots__ = ("_device", "_lent", "_protocol", "_tensor")

    _HEADER = protocol.ARRAY_HEADER
    _KIND = protocol.ARRAY

    def __init__(self, handle: int, *, _protocol: str | None = None) -> None:
        """Take over a handle of Java's ``PythonRuntime.share``; one object is made of each.

        Connects to the Java library that made it, if need be.
        """
        super().__init__(handle)
        self._device = (self._header[2], self._header[3])
        self._tensor = self._header[12]
        self._protocol = _protocol
        # Set where a consumer keeps this object, not a reference: close() must not end the memory.
        self._lent: object = None

    def _words(self, start: int) -> tuple[int, ...]:
        owner = self._open()
        offset = protocol.ARRAY_HEADER.size + 8 * start
        words = tuple((c_int64 * self.ndim).from_address(self._block + offset))
        del owner
        return words

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions; empty for a scalar."""
        return self._words(0)

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements (not bytes) from one index to the next, for each dimension."""
        return self._words(self.ndim)

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
        owner = self._open()  # keeps the tensor
        if (
            self._tensor
            and max_version is not None
            and stream is None
            and (copy is None or copy is False)
            and (dl_device is None or dl_device == self._device)
        ):
            major, _ = max_version
            if major >= 1:
                return self._runtime.share_tensor(self._tensor)
        del owner
        return self._dlpack(stream, max_version, dl_device, copy)

    def _dlpack(
        self,
        stream: int | None,
        max_version: tuple[int, int] | None,
        dl_device: tuple[int, int] | None,
        copy: bool | None,
    ) -> "CapsuleType":
        """Return a capsule over a struct of its own."""
        major, _ = (0, 0) if max_version is None else max_version
        kind, number = self._device if dl_device is None else dl_device
        if copy not in protocol.COPY:
            raise ValueError(f"Invalid copy={copy!r}: expected True, False or None")
        if major < 1 and self.readonly and protocol.COPY[copy] != protocol.COPY[True]:
            raise BufferError(
                "Cannot export read-only memory as an unversioned capsule, which cannot say so:"
                " pass max_version=(1, 0) or later, or copy=True"
            )
        if kind == protocol.CPU and number != 0:
            raise BufferError(
                f"Cannot export to the device (1, {number}): there is one CPU, (1, 0)"
            )
        if kind in protocol.HOST_DEVICES:
            if stream is not None and kind not in protocol.CUDA_DEVICES:
                raise ValueError(f"Invalid stream {stream!r} for memory of the host: expected None")
            stream = None  # pinned and managed memory of CUDA is ready: it was waited for
        arguments = (c_int64 * 6)(
            protocol.COPY[copy], int(kind), int(number), major >= 1, stream is not None, stream or 0
        )
        answer = self._call(protocol.ARRAY_DLPACK, ctypes.addressof(arguments))
        return self._runtime.capsule(b"dltensor_versioned" if major >= 1 else b"dltensor", answer)

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> "tuple[CapsuleType, CapsuleType]":
        """Return the capsules of an ``ArrowSchema`` and an ``ArrowArray`` over the same memory.

        One dimension is a column of its plain type, more are nested fixed-size lists. The type is
        what it is: ``requested_schema`` is not followed, which the protocol allows.
        """
        return self._pair(protocol.ARRAY_ARROW, b"arrow_array")

    def __arrow_c_device_array__(
        self, requested_schema: object | None = None, **kwargs: Any
    ) -> "tuple[CapsuleType, CapsuleType]":
        """As ``__arrow_c_array__``, with an ``ArrowDeviceArray`` on whatever device it is.

        What the memory waits for becomes the struct's event.
        """
        refuse_unknown(kwargs)
        return self._pair(protocol.ARRAY_ARROW_DEVICE, b"arrow_device_array")

    def __arrow_c_schema__(self) -> "CapsuleType":
        """Return the capsule of an ``ArrowSchema``."""
        return self.__arrow_c_device_array__()[0]

    def _interface(self, operation: int) -> dict[str, Any]:
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
        described = self._attribute(protocol.ARRAY_INTERFACE)
        self._lent = self._open()
        return described

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Numba's description, version 3, of memory that CUDA devices can reach.

        It names the stream to wait for, None when the memory is ready. Lifetime as with
        ``__array_interface__``. AttributeError elsewhere, so that ``hasattr`` says it.
        """
        self._require_attribute("__cuda_array_interface__", protocol.CUDA_DEVICES)
        described = self._attribute(protocol.ARRAY_CUDA_INTERFACE)
        described.setdefault("stream", None)
        self._lent = self._open()
        return described

    @property
    def __array_struct__(self) -> "CapsuleType":
        """NumPy's description as a capsule of a ``PyArrayInterface``, which holds the memory."""
        self._require_attribute("__array_struct__", protocol.HOST_DEVICES)
        self._lent = self._open()
        try:
            return self._runtime.owner(self._call(protocol.ARRAY_STRUCT))
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
            self._require_attribute("__array_interface__", protocol.HOST_DEVICES)
            self._attribute(protocol.ARRAY_INTERFACE)  # says what is wrong, and lends nothing
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
        owner = self._open()
        if sys.version_info >= (3, 12):
            return memoryview(self)
        return _buffers.contiguous(self, self._header[6], owner)

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> memoryview:
            """Return the memory as ``memoryview(array)`` has it; Python checks ``flags``."""
            self._lent = self._open()
            return _buffers.strided(self, self._header[6])


if sys.version_info < (3, 12):
    # CPython before 3.12 asks no Python code for a buffer; its TypeError shows the type's name.
    _buffers.rename(Array, "Array (call its method view() for a memoryview)")
