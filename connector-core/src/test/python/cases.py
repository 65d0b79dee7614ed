"""The axes of the matrix: element types, layouts, versions. NumPy's values are the oracle."""

import numpy as np

import jvm

STANDARD = [
    *["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
    *["float16", "float32", "float64", "complex64", "complex128"],
]
SMALL_FLOATS = ["bfloat16", "float8_e4m3fn", "float8_e5m2"]
DTYPES = STANDARD + SMALL_FLOATS


def values(dtype: str, *shape: int) -> np.ndarray:
    """Row-major, small, different from their neighbours, exact in every type."""
    count = int(np.prod(shape, dtype=int))
    numbers = np.arange(count) % 7 + 1
    if dtype == "bool":
        numbers = numbers % 2
    array = numbers.astype(jvm.numpy_dtype(dtype)).reshape(shape)
    if dtype.startswith("complex"):
        array = array + 2j * array
    # Its own base, so that a loan copies all of it.
    return np.ascontiguousarray(array.astype(jvm.numpy_dtype(dtype))).reshape(shape)


LAYOUTS = {
    "0-D": lambda t: values(t),
    "(0,)": lambda t: values(t, 0),
    "(0, 4)": lambda t: values(t, 0, 4),
    "(3, 0)": lambda t: values(t, 3, 0),
    "1-D": lambda t: values(t, 5),
    "3-D": lambda t: values(t, 2, 3, 4),
    "transposed": lambda t: values(t, 3, 4).T,
    "negative": lambda t: values(t, 6)[::-1],
    "every second": lambda t: values(t, 8)[::2],
    "inner block": lambda t: values(t, 5, 6)[1:4, 2:5],
    "broadcast": lambda t: np.broadcast_to(values(t, 3), (4, 3)),
    "size-1 dimensions": lambda t: _odd(values(t, 2, 3)),
}
EMPTY = ["(0,)", "(0, 4)", "(3, 0)"]

# What a consumer may ask for, and whether it gets the versioned struct.
MAX_VERSIONS = {
    None: False,
    (0, 8): False,
    (1, 0): True,
    (1, 3): True,
    (2, 0): True,
    (100, 3): True,
}


def _odd(array: np.ndarray) -> np.ndarray:
    """Two dimensions of size 1, with strides that no layout explains."""
    size = array.itemsize
    return np.ndarray(
        (2, 1, 3, 1), array.dtype, array, strides=(3 * size, 7 * size, size, 5 * size)
    )
