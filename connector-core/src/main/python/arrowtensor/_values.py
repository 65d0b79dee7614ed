"""Small values that arrays answer with."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """What it took to come by an array: exactly one of the counts is not 0, unless it is empty."""

    zero_copy_bytes: int
    """Bytes shared at the source's own address."""
    decoded_bytes: int
    """Bytes written by looking up a dictionary."""
    copied_bytes: int
    """Bytes copied."""
    reason: str | None
    """Why bytes were copied or decoded, in Java's words (``CopyReason``)."""
    protocol: str | None
    """By which protocol :func:`asarray` came by it; None for an array that came from Java."""

    @property
    def is_zero_copy(self) -> bool:
        """Whether no byte was copied or decoded."""
        return self.reason is None


class Device(NamedTuple):
    """Where memory is: DLPack's device type and the index among devices of that type."""

    type: int
    id: int

    def __str__(self) -> str:
        name = _DEVICE_NAMES.get(self.type, f"device_type({self.type})")
        return name if self.type == 1 else f"{name}:{self.id}"


_DEVICE_NAMES = {
    1: "cpu",
    2: "cuda",
    3: "cuda_host",
    4: "opencl",
    7: "vulkan",
    8: "metal",
    9: "vpi",
    10: "rocm",
    11: "rocm_host",
    12: "ext_dev",
    13: "cuda_managed",
    14: "oneapi",
    15: "webgpu",
    16: "hexagon",
    17: "maia",
    18: "trn",
}
_DEVICE_TYPES = {name: number for number, name in _DEVICE_NAMES.items()}


def as_device(device: "Device | tuple[int, int] | str") -> Device:
    """Read ``"cpu"``, ``"cuda:1"``, ``(2, 1)`` or what :attr:`Array.device` said."""
    if not isinstance(device, str):
        kind, number = device
        return _checked(Device(int(kind), int(number)), device)
    name, _, number_text = device.partition(":")
    if name not in _DEVICE_TYPES or not (number_text or "0").isdecimal():
        raise ValueError(
            f"Invalid device {device!r}: expected a name such as 'cpu' or 'cuda:0', or a pair of"
            " DLPack's device type and an index"
        )
    return _checked(Device(_DEVICE_TYPES[name], int(number_text or 0)), device)


def _checked(device: Device, given: object) -> Device:
    if not (0 <= device.type < 1 << 31 and 0 <= device.id < (1 if device.type == 1 else 1 << 31)):
        raise ValueError(f"Invalid device {given!r}: its type or index is out of range")
    return device
