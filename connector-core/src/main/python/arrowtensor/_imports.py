"""Arrays of other libraries for Java."""

import ctypes
import json
import re
from ctypes import PYFUNCTYPE, py_object, pythonapi
from itertools import islice
from math import prod
from operator import index
from typing import Any, Final

from . import _buffers, _capsules
from . import _protocol as protocol
from ._array import Array
from ._batch import Batch, Stream
from ._runtime import current
from ._values import Device, as_device

_MAX_VERSION: Final = (1, 3)
_BUFFER: Final = "buffer"


def asarray(
    x: Any, /, *, device: Device | tuple[int, int] | str | None = None, copy: bool | None = None
) -> Array:
    """Make an array that Java can use of any object that speaks one of Python's protocols.

    The first protocol that ``x`` offers decides: ``__dlpack__``, ``__arrow_c_device_array__``,
    ``__arrow_c_array__``, ``__cuda_array_interface__``, ``__array_interface__``,
    ``__array_struct__``, the buffer protocol, ``__array__``. What goes wrong there is raised and
    nothing else is tried. :attr:`Array.outcome` tells which it was, and whether bytes were copied.

    The memory stays that of ``x``, which is kept alive for as long as Java uses it; it is given
    back on the thread that drops the last reference, be it one of Java.

    :param device: where the memory is wanted; None to leave it where it is
    :param copy: True to always copy, False to never do, None if it must be

    Raises TypeError for an object that speaks no protocol or has elements that tensors have not,
    BufferError when it cannot be handed over as asked, ValueError for nulls and bad arguments.
    """
    if copy not in protocol.COPY:
        raise ValueError(f"Invalid copy={copy!r}: expected True, False or None")
    target = None if device is None else as_device(device)
    for name, read in _PROTOCOLS.items():
        if _buffers.has_buffer(x) if name == _BUFFER else hasattr(x, name):
            return Array(read(x, target, copy), _protocol=name)
    raise TypeError(
        f"Cannot make an array of {type(x).__name__}: it has none of {', '.join(_PROTOCOLS)}"
    )


def _dlpack(x: Any, device: Device | None, copy: bool | None) -> int:
    runtime = current()  # before anything is taken
    address, versioned = _capsules.take_dlpack(_dlpack_capsule(x, device, copy))
    return runtime.ask(protocol.ROOT_TAKE_DLPACK, address, versioned, *_placed(device, copy))


def _dlpack_capsule(x: Any, device: Device | None, copy: bool | None) -> Any:
    """Ask for a capsule on ``device`` or, from producers that cannot, where the memory is."""
    kind, number = x.__dlpack_device__()
    wanted: dict[str, Any] = {} if copy is None else {"copy": copy}
    ordered = _ordered(int(kind))
    if device is not None and device != (int(kind), int(number)):
        wanted["dl_device"] = tuple(device)
        if ordered:  # the host has no stream, and refuses to hear of one
            wanted.update(_ordered(device.type))
    else:
        wanted.update(ordered)
    try:
        return x.__dlpack__(max_version=_MAX_VERSION, **wanted)
    except (BufferError, ValueError) as error:  # the latter from older NumPy
        # Producers need to know no device but the host; Java transfers to the others.
        if "dl_device" not in wanted:
            raise
        if copy is False:
            raise BufferError(str(error)) from error
        return x.__dlpack__(max_version=_MAX_VERSION, **ordered)
    except TypeError as error:
        if copy is False:
            raise BufferError(
                f"Cannot promise copy=False: __dlpack__() of {type(x).__name__} does not take the"
                f" keyword, so it may copy ({error}); leave copy at None"
            ) from error
        return x.__dlpack__(**ordered)  # of before 2024: without other keywords


def _ordered(kind: int) -> dict[str, int]:
    """Name the stream on which memory of a device is read: some producers order nothing without."""
    stream = protocol.DEFAULT_STREAMS.get(kind)
    return {} if stream is None else {"stream": stream}


def asbatch(x: Any, /) -> Batch:
    """Make a batch that Java can use of an object with one of Arrow's protocols.

    A record batch, a table or a data frame (PyArrow, Polars, pandas, DuckDB, ...). The first
    protocol that ``x`` offers decides: ``__arrow_c_device_array__``, ``__arrow_c_array__`` (of a
    struct type), ``__arrow_c_device_stream__``, ``__arrow_c_stream__``. The memory stays shared;
    nulls come as masks, and dates, times and text as what they are stored in.

    Raises ValueError for a stream of more than one batch (see :func:`from_stream`), TypeError for
    an object without these protocols or of types that batches do not have.
    """
    for name, on_device in _ARROW_ARRAYS.items():
        if hasattr(x, name):
            schema, array = _arrow_pair(x, name)
            return Batch(current().ask(protocol.ROOT_TAKE_BATCH, schema[0], array[0], on_device))
    with from_stream(x) as stream:
        batches = [*islice(stream, 2)]
    if len(batches) == 1:
        return batches[0]
    for batch in batches:
        batch.close()
    raise ValueError(
        f"Cannot make one batch of {type(x).__name__}: it gives"
        f" {'none' if not batches else 'several'}; read them one by one with from_stream()"
    )


def from_stream(x: Any, /) -> Stream:
    """Make a stream of batches that Java can use of an object with ``__arrow_c_stream__``.

    ``__arrow_c_device_stream__`` is preferred where there is one. Batches are as those of
    :func:`asbatch`, pulled when they are asked for, on the thread that asks.

    Raises TypeError for an object without these protocols.
    """
    for name, on_device in _ARROW_STREAMS.items():
        if hasattr(x, name):
            capsule = getattr(x, name)()
            _capsules.require(capsule, name)
            kind = b"arrow_device_array_stream" if on_device else b"arrow_array_stream"
            address = _capsules.pointer(capsule, kind)
            return Stream(current().ask(protocol.ROOT_TAKE_STREAM, address, on_device))
    names = ", ".join([*_ARROW_ARRAYS, *_ARROW_STREAMS])
    raise TypeError(f"Cannot read batches of {type(x).__name__}: it has none of {names}")


def _arrow_pair(x: Any, name: str) -> tuple[tuple[int, object], tuple[int, object]]:
    """Return the addresses of both structs, with the capsules that keep them."""
    schema, array = getattr(x, name)()
    _capsules.require(schema, name)
    _capsules.require(array, name)
    kind = b"arrow_device_array" if _ARROW_ARRAYS[name] else b"arrow_array"
    return (
        (_capsules.pointer(schema, b"arrow_schema"), schema),
        (_capsules.pointer(array, kind), array),
    )


def _arrow_array(x: Any, device: Device | None, copy: bool | None) -> int:
    return _arrow(x, "__arrow_c_array__", device, copy)


def _arrow_device_array(x: Any, device: Device | None, copy: bool | None) -> int:
    return _arrow(x, "__arrow_c_device_array__", device, copy)


def _arrow(x: Any, name: str, device: Device | None, copy: bool | None) -> int:
    schema, array = _arrow_pair(x, name)
    return current().ask(
        protocol.ROOT_TAKE_ARROW,
        schema[0],
        array[0],
        *_placed(device, copy),
        _ARROW_ARRAYS[name],
    )


def _array_interface(x: Any, device: Device | None, copy: bool | None) -> int:
    interface = x.__array_interface__
    lent = x
    if isinstance(interface, dict) and not isinstance(interface.get("data"), tuple):
        # The data is a buffer, by default that of the object, with the first element at an offset.
        data = interface.get("data")
        view = memoryview(x if data is None else data)
        if not view.c_contiguous:
            raise BufferError(
                "Cannot read __array_interface__: the buffer of its data has gaps or another order"
                f" (strides {view.strides}), expected one C-contiguous block"
            )
        lent = (x, view)
        with _buffers.described(view) as info:
            offset = index(interface.get("offset", 0))
            _require_inside(interface, offset, info.len)
            interface = {**interface, "data": ((info.buf or 0) + offset, bool(info.readonly))}
    text = _json(interface, "__array_interface__")
    return _lend(protocol.ROOT_BORROW_INTERFACE, _address(text), lent, *_placed(device, copy))


def _require_inside(interface: dict[str, Any], offset: int, length: int) -> None:
    """Refuse elements outside of a buffer of ``length`` bytes; Java refuses what is no array."""
    shape, typestr = interface.get("shape"), interface.get("typestr")
    size = _TYPESTR.match(typestr) if isinstance(typestr, str) else None
    if size is None or not isinstance(shape, (tuple, list)):
        return
    itemsize, sizes = int(size[1]), [*map(index, shape)]
    strides = interface.get("strides")
    if strides is None:
        strides = [itemsize * prod(sizes[d + 1 :]) for d in range(len(sizes))]
    reaches = [index(stride) * (n - 1) for stride, n in zip(strides, sizes, strict=True)]
    low = offset + sum(reach for reach in reaches if reach < 0)
    high = offset + sum(reach for reach in reaches if reach > 0) + itemsize
    if 0 not in sizes and not 0 <= low <= high <= length:
        raise ValueError(
            f"Invalid __array_interface__: its elements take the bytes {low} to {high} of a buffer"
            f" of {length}"
        )


def _cuda_array_interface(x: Any, device: Device | None, copy: bool | None) -> int:
    text = _json(x.__cuda_array_interface__, "__cuda_array_interface__")
    return _lend(protocol.ROOT_BORROW_CUDA, _address(text), x, *_placed(device, copy))


def _array_struct(x: Any, device: Device | None, copy: bool | None) -> int:
    capsule = x.__array_struct__
    _capsules.require(capsule, "__array_struct__")
    address = _capsules.pointer(capsule, None)
    return _lend(protocol.ROOT_BORROW_STRUCT, address, (x, capsule), *_placed(device, copy))


def _buffer(x: Any, device: Device | None, copy: bool | None) -> int:
    view = memoryview(x)
    with _buffers.described(view) as info:
        return _lend(
            protocol.ROOT_BORROW_BUFFER, ctypes.addressof(info), view, *_placed(device, copy)
        )


def _array(x: Any, device: Device | None, copy: bool | None) -> int:
    made = x.__array__()
    if not hasattr(made, "__dlpack__"):
        raise TypeError(
            "Cannot read what __array__() returned: expected a NumPy array,"
            f" got {type(made).__name__}"
        )
    return _dlpack(made, device, copy)


def _lend(operation: int, address: int, lent: object, *options: int) -> int:
    """Ask Java to borrow memory of ``lent``, of which it gets a reference, also when it fails."""
    runtime = current()
    _increment(lent)
    return runtime.ask(operation, address, id(lent), *options)


def _address(text: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0


def _json(interface: Any, name: str) -> bytes:
    """Write an interface as JSON, which ends in 0 as every ``bytes`` does."""
    if not isinstance(interface, dict):
        raise TypeError(f"Cannot read {name}: expected a dict, got {type(interface).__name__}")
    return json.dumps(_plain(interface, name), default=int).encode()


def _plain(interface: dict[str, Any], name: str) -> dict[str, Any]:
    described = {key: interface[key] for key in _KEYS if interface.get(key) is not None}
    data = described.get("data", ())
    if not isinstance(data, (tuple, list)):
        raise TypeError(
            f"Cannot read {name}: data is a {type(data).__name__}, expected (address, read-only);"
            " for memory of a buffer pass a memoryview of it"
        )
    mask = interface.get("mask")
    if mask is not None:
        described["mask"] = _plain(getattr(mask, name), name)
    return described


def _placed(device: Device | None, copy: bool | None) -> tuple[int, int, int]:
    return (protocol.COPY[copy], *(device or (-1, 0)))


_ARROW_ARRAYS: Final = {"__arrow_c_device_array__": True, "__arrow_c_array__": False}
_ARROW_STREAMS: Final = {"__arrow_c_device_stream__": True, "__arrow_c_stream__": False}
_KEYS: Final = ("shape", "typestr", "data", "strides", "version", "stream")
_TYPESTR: Final = re.compile(r"[<>|][A-Za-z]([0-9]+)")
_increment: Final = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))

_PROTOCOLS: Final = {
    "__dlpack__": _dlpack,
    "__arrow_c_device_array__": _arrow_device_array,
    "__arrow_c_array__": _arrow_array,
    "__cuda_array_interface__": _cuda_array_interface,
    "__array_interface__": _array_interface,
    "__array_struct__": _array_struct,
    _BUFFER: _buffer,
    "__array__": _array,
}
"""In this order: what carries a deleter first, then what carries a device, then the rest."""
