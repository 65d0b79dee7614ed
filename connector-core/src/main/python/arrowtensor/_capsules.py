"""Python's own functions for capsules, with prepared prototypes.

Capsule names are passed by address: Python keeps the pointer, so what it points at must never go.
"""

import ctypes
from ctypes import PYFUNCTYPE, c_char_p, c_int, c_void_p, py_object, pythonapi
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import CapsuleType

new: "Final[Callable[[int, int | None, int | None], CapsuleType]]" = PYFUNCTYPE(
    py_object, c_void_p, c_void_p, c_void_p
)(("PyCapsule_New", pythonapi))
"""``new(pointer, name, destructor)``, all addresses; raises MemoryError."""

_name_of: Final = PYFUNCTYPE(c_char_p, py_object)(("PyCapsule_GetName", pythonapi))
_pointer_of: Final = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_rename: Final = PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_SetName", pythonapi))

_this_interpreter: Final = PYFUNCTYPE(c_void_p)(("PyInterpreterState_Get", pythonapi))
_main_interpreter: Final = PYFUNCTYPE(c_void_p)(("PyInterpreterState_Main", pythonapi))

CAPSULE: Final = type(new(1, None, None))

_USED: Final = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}
_increment: Final = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))
for _name in _USED.values():
    _increment(_name)  # a capsule may outlive this module, and its name must not go before it


def address_of(function: str) -> int:
    """Return the address of a C function of Python itself."""
    address = ctypes.cast(getattr(pythonapi, function), c_void_p).value
    assert address is not None
    return address


def in_main_interpreter() -> bool:
    """Return whether the calling thread is in the interpreter that the process began with."""
    this: int = _this_interpreter()
    main: int = _main_interpreter()
    return this == main


def require(value: object, method: str) -> None:
    """Raise TypeError unless a method that must return a capsule did."""
    if type(value) is not CAPSULE:
        raise TypeError(
            f"Cannot read what {method}() returned: expected a PyCapsule,"
            f" got {type(value).__name__}"
        )


def pointer(capsule: object, name: bytes | None) -> int:
    """Return the address in a capsule of that name; ValueError for one of another name."""
    address: int = _pointer_of(capsule, name)
    return address


def take_dlpack(capsule: object) -> tuple[int, bool]:
    """Take the struct out of a DLPack capsule, and whether it is a versioned one.

    The capsule is renamed first, so that the struct's deleter is the caller's to call.
    """
    require(capsule, "__dlpack__")
    name = _name_of(capsule)
    used = _USED.get(name)
    if used is None:
        consumed = name in _USED.values()
        raise ValueError(
            f"Cannot take the capsule {name!r}: "
            + (
                "it was consumed before; ask for a new one"
                if consumed
                else f"expected one of {[*_USED]}"
            )
        )
    address = pointer(capsule, name)
    _rename(capsule, used)
    return address, name == b"dltensor_versioned"
