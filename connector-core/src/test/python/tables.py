"""Batches: one of the JVM, and how each table library reads it and gives one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jpype

import arrowtensor
import jvm
from libraries import present
from outcomes import java_values

COLUMNS: dict[str, list] = {
    "id": [1, 2, 3, 4],
    "score": [0.5, None, 2.5, 3.5],
    "count": [7, 8, 9, 10],
}


class JvmBatch:
    """A root with the columns above; Arrow's own allocator checks that everything comes back."""

    def __init__(self) -> None:
        arrow = jpype.JPackage("org").apache.arrow
        self.allocator = arrow.memory.RootAllocator()
        vectors = {
            "id": arrow.vector.BigIntVector,
            "score": arrow.vector.Float8Vector,
            "count": arrow.vector.IntVector,
        }
        self.vectors = [vectors[name](name, self.allocator) for name in COLUMNS]
        for vector in self.vectors:
            cells = COLUMNS[str(vector.getName())]
            vector.allocateNew(len(cells))
            for row, cell in enumerate(cells):
                if cell is None:
                    vector.setNull(row)
                else:
                    vector.set(row, cell)
            vector.setValueCount(len(cells))
        self.root = arrow.vector.VectorSchemaRoot(jpype.java.util.ArrayList(self.vectors))

    def share(self) -> arrowtensor.Batch:
        options = jvm.java("Options").defaults().withNulls(jvm.java("Nulls").MASK)
        source = jvm.java("arrow.Vectors").view(self.root)
        batch = jvm.java("DeviceBatch").from_(source, options)
        try:
            return arrowtensor.Batch(jvm.java("python.PythonRuntime").share(batch))
        finally:
            batch.close()

    def addresses(self) -> dict[str, int]:
        """Where the values of each column are."""
        return {
            str(vector.getName()): vector.getDataBuffer().memoryAddress() for vector in self.vectors
        }

    def __enter__(self) -> JvmBatch:
        return self

    def __exit__(self, *error: object) -> None:
        self.root.close()
        self.allocator.close()


@dataclass(frozen=True)
class Table:
    """How a library reads a batch of ours, and gives one."""

    name: str
    read: Callable[[Any], Any]
    give: Callable[[Any], Any]
    """Of a PyArrow table."""
    cells: Callable[[Any], dict[str, list]]
    address: Callable[[Any, str], int] | None = None
    """Of a column's values, where the library tells."""

    @property
    def module(self) -> str:
        return self.name.partition(".")[0]

    def available(self) -> bool:
        return present(self.module) and present("pyarrow")

    def __str__(self) -> str:
        return self.name


def _pyarrow() -> Any:
    import pyarrow

    return pyarrow


def _pyarrow_address(x: Any, column: str) -> int:
    array = x.column(column)
    array = array.chunk(0) if hasattr(array, "chunk") else array
    return array.buffers()[1].address


def _through_arrow(x: Any, column: str) -> int:
    return _pyarrow_address(_pyarrow().table(x), column)


def _dictionary(x: Any) -> dict[str, list]:
    return _pyarrow().table(x).to_pydict()


def _polars(x: Any) -> Any:
    import polars

    return polars.DataFrame(x)


def _polars_address(x: Any, column: str) -> int:
    return x[column].to_arrow().buffers()[1].address


def _pandas(x: Any) -> Any:
    import pandas

    return pandas.DataFrame.from_arrow(x)


def _pandas_cells(x: Any) -> dict[str, list]:
    return {
        str(name): [None if cell != cell else cell for cell in column.tolist()]
        for name, column in x.items()
    }


def _duckdb(batch: Any) -> Any:
    import duckdb

    return duckdb.sql("select * from batch").materialize()  # a query reads it when it runs


def _duckdb_cells(x: Any) -> dict[str, list]:
    return dict(zip(x.columns, map(list, zip(*x.fetchall(), strict=True)), strict=True))


def _nanoarrow(x: Any) -> Any:
    import nanoarrow

    return nanoarrow.c_array(x)


def _nanoarrow_address(x: Any, column: str) -> int:
    child = x.child(list(COLUMNS).index(column))
    return child.view().buffer(1)._addr()


def _nanoarrow_of(table: Any) -> Any:
    return _nanoarrow(table.combine_chunks().to_batches()[0])


TABLES = [
    Table(
        "pyarrow.record_batch",
        lambda x: _pyarrow().record_batch(x),
        lambda t: t.combine_chunks().to_batches()[0],
        lambda x: x.to_pydict(),
        _pyarrow_address,
    ),
    Table(
        "pyarrow.table", lambda x: _pyarrow().table(x), lambda t: t, _dictionary, _pyarrow_address
    ),
    Table(
        "polars.DataFrame",
        _polars,
        _polars,
        lambda x: x.to_dict(as_series=False),
        _polars_address,
    ),
    Table("pandas.DataFrame", _pandas, _pandas, _pandas_cells),
    Table("duckdb.sql", _duckdb, _duckdb, _duckdb_cells),
    Table("nanoarrow.c_array", _nanoarrow, _nanoarrow_of, _dictionary, _nanoarrow_address),
]


def cells_in_java(x: Any) -> dict[str, list]:
    """The cells as Java reads them, through a batch of its own."""
    with arrowtensor.asbatch(x) as batch:
        java_batch = jvm.java("python.PythonRuntime").batch(batch.handle)
    try:
        cells = {}
        for column in java_batch.columns():
            values = java_values(column.values()).tolist()
            validity = column.validity()
            valid = [True] * len(values) if validity is None else java_values(validity).tolist()
            cells[str(column.name())] = [
                v if ok else None for v, ok in zip(values, valid, strict=True)
            ]
        return cells
    finally:
        java_batch.close()


def back(table: Table) -> str:
    """What the JVM makes of the library's own table."""
    x = table.give(_pyarrow().table(COLUMNS))
    try:
        assert cells_in_java(x) == COLUMNS
    except (TypeError, ValueError, BufferError, AttributeError) as e:
        return type(e).__name__
    return "read"
