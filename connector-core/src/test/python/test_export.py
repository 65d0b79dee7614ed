"""JVM arrays in Python's array libraries: the whole matrix of library, element type and layout."""

from functools import cache

import pytest

import libraries
from cases import DTYPES, LAYOUTS, values
from outcomes import COPIED, EMPTY, ZERO_COPY, into

ORDER = [ZERO_COPY, COPIED, EMPTY]


@cache
def outcome(door, dtype, layout):
    return into(door, LAYOUTS[layout](dtype))


@pytest.fixture(params=libraries.INTO, ids=str)
def door(request):
    if not request.param.available():
        pytest.skip(f"no {request.param.module}")
    return request.param


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_type_and_layout_are_independent(door, dtype, layout):
    """A library that takes the type and takes the layout takes them together, at no more cost."""
    if door.module == "numba" and dtype != "float64" and layout != "1-D":
        pytest.skip("each combination is a compilation")
    outcomes = [outcome(door, dtype, "1-D"), outcome(door, "float64", layout)]
    refusal = [one for one in outcomes if one not in ORDER]
    worst = refusal[0] if refusal else max(outcomes, key=ORDER.index)
    assert outcome(door, dtype, layout) == worst


@pytest.mark.parametrize("dtype", ["int32", "float64", "complex64"])
def test_read_only_memory_stays_so(door, dtype):
    """A library takes it as it takes other memory, or cannot know that it is read-only."""
    seen = into(door, values(dtype, 4), readonly=True)
    assert seen in {outcome(door, dtype, "1-D"), "BufferError"}
