"""Batches of the JVM in table libraries, and back: nulls kept, memory shared and released."""

import gc

import pytest

import arrowtensor
import jvm
import tables
from tables import COLUMNS, JvmBatch

pa = pytest.importorskip("pyarrow")


@pytest.fixture(params=tables.TABLES, ids=str)
def table(request):
    if not request.param.available():
        pytest.skip(f"no {request.param.module}")
    return request.param


def test_library_reads_every_cell(table):
    with JvmBatch() as source, source.share() as batch:
        assert table.cells(table.read(batch)) == COLUMNS


def test_library_that_tells_has_the_jvms_addresses(table):
    if table.address is None:
        pytest.skip("the library does not tell")
    with JvmBatch() as source:
        with source.share() as batch:
            x = table.read(batch)
        seen = {name: table.address(x, name) for name in COLUMNS}
        expected = source.addresses()
        del x
        gc.collect()
    assert seen == expected


def test_library_keeps_the_memory_after_the_batch_is_closed(table):
    with JvmBatch() as source:
        with source.share() as batch:
            x = table.read(batch)
        source.root.close()
        assert table.cells(x) == COLUMNS
        del x
        gc.collect()


def test_batch_comes_back_with_its_nulls(table):
    x = table.give(pa.table(COLUMNS))
    assert tables.cells_in_java(x) == COLUMNS
    del x
    gc.collect()


def test_column_without_nulls_is_an_array_over_the_same_memory():
    np = pytest.importorskip("numpy")
    with JvmBatch() as source, source.share() as batch:
        with batch["id"] as column:
            x = np.from_dlpack(column)
        assert x.ctypes.data == source.addresses()["id"]
        assert x.tolist() == COLUMNS["id"]
        assert not x.flags.writeable
        del x


def test_column_with_nulls_is_refused_as_one_array():
    with (
        JvmBatch() as source,
        source.share() as batch,
        pytest.raises(TypeError, match=r"score|validity|nulls"),
    ):
        batch["score"]


def test_unknown_column_is_named_with_those_there_are():
    with JvmBatch() as source, source.share() as batch:
        with pytest.raises(KeyError, match=r"nothing.*id"):
            batch["nothing"]
        with pytest.raises(IndexError, match="7"):
            batch.column(7)


def test_values_that_the_jvm_writes_are_seen_by_pyarrow():
    with JvmBatch() as source:
        with source.share() as batch:
            x = pa.record_batch(batch)
        source.vectors[0].set(0, 99)
        assert x.column("id")[0].as_py() == 99
        del x


def test_vector_sees_what_numpy_writes():
    np = pytest.importorskip("numpy")
    with JvmBatch() as source:
        access = jvm.java("Access").WRITABLE
        options = jvm.java("Options").defaults().withAccess(access)
        vector = source.vectors[2]
        handle = jvm.java("python.PythonRuntime").share(
            jvm.java("arrow.Vectors").view(vector), options
        )
        with arrowtensor.Array(handle) as array:
            np.from_dlpack(array)[1] = -5
        assert vector.get(1) == -5
