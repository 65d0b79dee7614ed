"""Arrays of other libraries for Java."""

import ctypes
import json
from ctypes import PYFUNCTYPE, py_object, pythonapi
from typing import Any, Final

from . import _buffers, _capsules
from . import _protocol as protocol
from ._array import Array, imported
from ._runtime import current
from ._values import Device, as_device

_MAX_VERSION: Final = (1, 3)
_BUFFER: Final = "buffer"


def asarray(
    x: Any, /, *, device: Device | tuple[int, int] | str | None = None, copy: bool | None = None
) -> Array:
    """Make an array that Java can use of any object that speaks one of Python's protocols.

    The first protocol that ``x`` offers decides: ``__dlpack__``, ``__arrow_c_array__``,
    ``__cuda_array_interface__``, ``__array_interface__``, ``__array_struct__``, the buffer
    protocol, ``__array__``. What goes wrong there is raised and nothing else is tried.
    :attr:`Array.outcome` tells which it was, and whether bytes were copied.

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
            return imported(read(x, target, copy), name)
    raise TypeError(
        f"Cannot make an array of {type(x).__name__}: it has none of {', '.join(_PROTOCOLS)}"
    )


def _dlpack(x: Any, device: Device | None, copy: bool | None) -> int:
    kind, number = x.__dlpack_device__()
    wanted: dict[str, Any] = {} if copy is None else {"copy": copy}
    if device is not None and device != (int(kind), int(number)):
        wanted["dl_device"] = tuple(device)
    try:
        capsule = x.__dlpack__(max_version=_MAX_VERSION, **wanted)
    except TypeError:
        if copy is False:
            raise  # a producer that does not know the keyword may copy
        capsule = x.__dlpack__()  # of before 2023: without keywords
    address, versioned = _capsules.take_dlpack(capsule)
    return current().ask(protocol.ROOT_TAKE_DLPACK, address, versioned, *_placed(device, copy))


def _arrow_array(x: Any, device: Device | None, copy: bool | None) -> int:
    schema, array = x.__arrow_c_array__()
    _capsules.require(schema, "__arrow_c_array__")
    _capsules.require(array, "__arrow_c_array__")
    return current().ask(
        protocol.ROOT_TAKE_ARROW,
        _capsules.pointer(schema, b"arrow_schema"),
        _capsules.pointer(array, b"arrow_array"),
        *_placed(device, copy),
    )


def _array_interface(x: Any, device: Device | None, copy: bool | None) -> int:
    text = _json(x.__array_interface__, "__array_interface__")
    return _lend(protocol.ROOT_BORROW_INTERFACE, _address(text), x, *_placed(device, copy))


def _cuda_array_interface(x: Any, device: Device | None, copy: bool | None) -> int:
    text = _json(x.__cuda_array_interface__, "__cuda_array_interface__")
    # The interface does not name the device; nearly always there is one.
    here = device.id if device is not None and device.type == protocol.CUDA else 0
    return _lend(protocol.ROOT_BORROW_CUDA, _address(text), x, *_placed(device, copy), here)


def _array_struct(x: Any, device: Device | None, copy: bool | None) -> int:
    capsule = x.__array_struct__
    _capsules.require(capsule, "__array_struct__")
    address = _capsules.pointer(capsule, None)
    return _lend(protocol.ROOT_BORROW_STRUCT, address, (x, capsule), *_placed(device, copy))


def _buffer(x: Any, device: Device | None, copy: bool | None) -> int:
    view = memoryview(x)
    info = _buffers.PyBuffer()
    _buffers.get_buffer(view, ctypes.addressof(info), _buffers.FULL_RO)
    try:
        return _lend(
            protocol.ROOT_BORROW_BUFFER, ctypes.addressof(info), view, *_placed(device, copy)
        )
    finally:
        _buffers.release_buffer(ctypes.addressof(info))  # the view has one of its own


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
    mask = interface.get("mask")
    if mask is not None:
        described["mask"] = _plain(getattr(mask, name), name)
    return described


def _placed(device: Device | None, copy: bool | None) -> tuple[int, int, int]:
    return (protocol.COPY[copy], *(device or (-1, 0)))


_KEYS: Final = ("shape", "typestr", "data", "strides", "version", "stream")
_increment: Final = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))

_PROTOCOLS: Final = {
    "__dlpack__": _dlpack,
    "__arrow_c_array__": _arrow_array,
    "__cuda_array_interface__": _cuda_array_interface,
    "__array_interface__": _array_interface,
    "__array_struct__": _array_struct,
    _BUFFER: _buffer,
    "__array__": _array,
}
"""In this order: what carries a deleter first, then what carries a device, then the rest."""
