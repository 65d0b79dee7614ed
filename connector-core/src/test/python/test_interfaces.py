"""NumPy's interfaces and C Data, field by field, as the documents that define them have it."""

import ctypes

import numpy as np
import pytest

import arrowtensor
import cases
import dlpack
from jvm import Loan
from outcomes import values_of


class ArrayStruct(ctypes.Structure):
    _fields_ = [
        ("two", ctypes.c_int),
        ("nd", ctypes.c_int),
        ("typekind", ctypes.c_char),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("data", ctypes.c_void_p),
        ("descr", ctypes.c_void_p),
    ]


CONTIGUOUS, FORTRAN, ALIGNED, NATIVE, WRITEABLE = 0x1, 0x2, 0x100, 0x200, 0x400


@pytest.mark.parametrize("dtype", cases.STANDARD)
@pytest.mark.parametrize("layout", ["0-D", "1-D", "3-D", "transposed", "inner block"])
@pytest.mark.parametrize("readonly", [False, True])
def test_array_interface_describes_the_memory(dtype, layout, readonly):
    loan = Loan(cases.LAYOUTS[layout](dtype), readonly=readonly)
    with loan.share() as array:
        interface = array.__array_interface__
        assert interface["version"] == 3
        assert interface["typestr"] == loan.view.dtype.str
        assert interface["shape"] == loan.view.shape
        assert interface["data"] == (loan.address, readonly)
        strides = interface.get("strides")
        assert strides == (None if loan.view.flags.c_contiguous else loan.view.strides) or (
            strides == loan.view.strides
        )


@pytest.mark.parametrize("layout", ["1-D", "3-D", "transposed", "negative"])
@pytest.mark.parametrize("readonly", [False, True])
def test_array_struct_describes_the_memory(layout, readonly):
    loan = Loan(cases.LAYOUTS[layout]("int32"), readonly=readonly)
    with loan.share() as array:
        capsule = array.__array_struct__
        described = ArrayStruct.from_address(dlpack.unnamed_pointer(capsule))
        assert described.two == 2
        assert described.nd == loan.view.ndim
        assert (described.typekind, described.itemsize) == (b"i", 4)
        assert described.data == loan.address
        assert tuple(described.shape[: described.nd]) == loan.view.shape
        assert tuple(described.strides[: described.nd]) == loan.view.strides
        assert bool(described.flags & WRITEABLE) is not readonly
        assert bool(described.flags & CONTIGUOUS) is loan.view.flags.c_contiguous
        assert bool(described.flags & FORTRAN) is loan.view.flags.f_contiguous
        assert described.flags & NATIVE
        assert described.flags & ALIGNED
        del capsule


def test_array_struct_holds_the_memory_by_itself():
    loan = Loan(cases.values("int32", 3))
    array = loan.share()
    x = np.asarray(_Struct(array.__array_struct__))
    array.close()
    del array
    assert x.tolist() == [1, 2, 3]
    assert loan.releases == 0
    del x
    assert loan.releases == 1


class _Struct:
    def __init__(self, capsule):
        self.__array_struct__ = capsule


def test_host_memory_has_no_cuda_interface():
    with Loan(cases.values("int8", 3)).share() as array:
        assert not hasattr(array, "__cuda_array_interface__")
        assert hasattr(array, "__array_interface__")


@pytest.mark.parametrize("dtype", cases.SMALL_FLOATS)
def test_type_that_numpy_lacks_has_no_interface(dtype):
    with Loan(cases.values(dtype, 3)).share() as array:
        assert not hasattr(array, "__array_interface__")
        assert not hasattr(array, "__array_struct__")


@pytest.mark.parametrize("copy", [None, True, False])
def test_array_method_copies_when_asked_only(copy):
    loan = Loan(cases.values("float64", 3))
    with loan.share() as array:
        x = array.__array__(copy=copy)
        assert (x.ctypes.data == loan.address) is (copy is not True)
        assert array.__array__("float32").dtype == np.float32
        with pytest.raises(ValueError, match="copy"):
            array.__array__("float32", copy=False)
        del x


class _Meta:
    """The interface of an array, and where its consumer has to look for the rest."""

    def __init__(self, values, **entries):
        self._values = values
        self.__array_interface__ = {**values.__array_interface__, **entries}


def test_mask_of_an_interface_without_nulls_is_taken():
    x = _Meta(np.arange(3.0), mask=np.ones(3, bool))
    with arrowtensor.asarray(x) as array:
        assert values_of(array).tolist() == [0, 1, 2]


@pytest.mark.parametrize("version", [2, 3])
def test_older_version_of_the_interface_is_read(version):
    with arrowtensor.asarray(_Meta(np.arange(3.0), version=version)) as array:
        assert values_of(array).tolist() == [0, 1, 2]


def test_requested_schema_may_be_anything_and_is_not_followed():
    pa = pytest.importorskip("pyarrow")
    with Loan(cases.values("int32", 3)).share() as array:
        wanted = pa.int64().__arrow_c_schema__()
        schema, capsule = array.__arrow_c_array__(requested_schema=wanted)
        imported = pa.Array._import_from_c_capsule(schema, capsule)
        assert imported.type == pa.int32()
        del imported


@pytest.mark.parametrize("layout", ["1-D", "every second"])
def test_device_array_of_arrow_is_on_the_host(layout):
    pa = pytest.importorskip("pyarrow")
    loan = Loan(cases.LAYOUTS[layout]("float32"))
    with loan.share() as array:
        schema, capsule = array.__arrow_c_device_array__()
        imported = pa.Array._import_from_c_device_capsule(schema, capsule)
        assert imported.is_cpu
        assert imported.to_pylist() == loan.expected.tolist()
        del imported
