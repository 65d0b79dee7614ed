"""Streams of batches: pulled when asked for, each on its own, the end and errors passed on."""

import gc

import pytest

import arrowtensor
import tables
from tables import COLUMNS, JvmBatch

pa = pytest.importorskip("pyarrow")


def reader(count=3, fail_at=None):
    schema = pa.table(COLUMNS).schema
    pulled = []

    def batches():
        for i in range(count):
            if i == fail_at:
                raise ValueError("the producer failed")
            pulled.append(i)
            yield pa.record_batch(pa.table(COLUMNS).to_batches()[0], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches()), pulled


def test_batches_come_in_order_and_when_asked_for():
    source, pulled = reader()
    with arrowtensor.from_stream(source) as stream:
        assert pulled == []
        first = next(stream)
        assert pulled == [0]
        assert len([batch.close() for batch in stream]) == 2
        assert tables.cells_in_java(first) == COLUMNS
        first.close()
        with pytest.raises(StopIteration):
            next(stream)


def test_batch_outlives_its_stream():
    source, _ = reader()
    with arrowtensor.from_stream(source) as stream:
        batch = next(stream)
    del source
    gc.collect()
    assert tables.cells_in_java(batch) == COLUMNS
    batch.close()


def test_error_of_the_producer_is_passed_on():
    source, _ = reader(fail_at=1)
    with arrowtensor.from_stream(source) as stream:
        next(stream).close()
        with pytest.raises((RuntimeError, ValueError), match="the producer failed"):
            next(stream)


def test_stream_goes_on_to_another_library():
    source, _ = reader()
    with arrowtensor.from_stream(source) as stream:
        table = pa.RecordBatchReader.from_stream(stream).read_all()
    assert table.num_rows == 3 * len(COLUMNS["id"])
    assert table.slice(8).to_pydict() == COLUMNS
    del table


def test_one_batch_is_a_stream_of_itself():
    with JvmBatch() as source:
        with source.share() as batch:
            table = pa.RecordBatchReader.from_stream(batch).read_all()
        assert table.to_pydict() == COLUMNS
        del table


def test_stream_of_several_is_not_one_batch():
    source, _ = reader(2)
    with pytest.raises(ValueError, match="from_stream"):
        arrowtensor.asbatch(source)


def test_object_without_a_stream_is_refused_by_name():
    with pytest.raises(TypeError, match="int"):
        arrowtensor.from_stream(3)
    with pytest.raises(TypeError, match="dict"):
        arrowtensor.asbatch(COLUMNS)
