"""Arrays of other libraries for Java."""

from typing import Any, Final

from . import _capsules
from . import _protocol as protocol
from ._array import Array, imported
from ._runtime import current
from ._values import Device, as_device

_MAX_VERSION: Final = (1, 3)


def asarray(
    x: Any, /, *, device: Device | tuple[int, int] | str | None = None, copy: bool | None = None
) -> Array:
    """Make an array that Java can use of any object that speaks one of Python's protocols.

    The first protocol that ``x`` offers decides: ``__dlpack__``, ``__arrow_c_array__``. What goes
    wrong there is raised and nothing else is tried. :attr:`Array.outcome` tells which it was, and
    whether bytes were copied.

    The memory stays that of ``x``, which is kept alive for as long as Java uses it; it is given back
    on the thread that drops the last reference, be it one of Java.

    :param device: where the memory is wanted; None to leave it where it is
    :param copy: True to always copy, False to never do, None if it must be

    Raises TypeError for an object that speaks no protocol or has elements that tensors have not,
    BufferError when it cannot be handed over as asked, ValueError for nulls and bad arguments.
    """
    if copy not in protocol.COPY:
        raise ValueError(f"Invalid copy={copy!r}: expected True, False or None")
    target = None if device is None else as_device(device)
    for name, read in _PROTOCOLS.items():
        if hasattr(x, name):
            return imported(read(x, target, copy), name)
    raise TypeError(
        f"Cannot make an array of {type(x).__name__}: it has none of {', '.join(_PROTOCOLS)}"
    )


def _dlpack(x: Any, device: Device | None, copy: bool | None) -> int:
    kind, number = x.__dlpack_device__()
    wanted = {} if copy is None else {"copy": copy}
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


def _placed(device: Device | None, copy: bool | None) -> tuple[int, int, int]:
    return (protocol.COPY[copy], *(device or (-1, 0)))


_PROTOCOLS: Final = {
    "__dlpack__": _dlpack,
    "__arrow_c_array__": _arrow_array,
}
