"""Cut the quickstart's two flight files from the flights-3m.parquet of vega-datasets.

Usage: python make_data.py /path/to/flights-3m.parquet
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

COLUMNS = ["date", "delay", "distance", "origin", "destination"]
FIRST_DAY_LEFT_OUT = dt.datetime(2001, 1, 12)
HERE = Path(__file__).resolve().parent
TOTAL_LIMIT_BYTES = 2_000_000


def first_days(source: Path) -> pa.Table:
    """Return the leading records of the source, in its order, up to the first day left out."""
    table = pq.read_table(source, columns=COLUMNS)
    inside = pc.less(
        table["date"], pa.scalar(FIRST_DAY_LEFT_OUT, table.schema.field("date").type)
    )
    rows = pc.sum(inside).as_py()
    cut = table.slice(0, rows)
    if not pc.all(inside.slice(0, rows)).as_py():
        raise ValueError(
            f"{source}: records are not in date order, so the cut is not consecutive"
        )
    for name in COLUMNS:
        if cut[name].null_count:
            raise ValueError(
                f"{source}: column {name} has {cut[name].null_count} nulls, expected 0"
            )
    return cut


def write(table: pa.Table, target: Path, *, dictionary: bool) -> None:
    """Write one file in one row group; only the dictionary setting differs between the two."""
    pq.write_table(
        table,
        target,
        row_group_size=table.num_rows,
        use_dictionary=dictionary,
        compression="zstd",
        compression_level=19,
        # Without the Arrow schema in the footer the types are Parquet's alone, as any writer's.
        store_schema=False,
    )


def describe(target: Path) -> str:
    """Return one line: rows, bytes and the encodings of each column chunk."""
    meta = pq.ParquetFile(target).metadata
    group = meta.row_group(0)
    chunks = [group.column(i) for i in range(group.num_columns)]
    encodings = ", ".join(
        f"{c.path_in_schema} {c.physical_type} {'/'.join(sorted(c.encodings))}"
        for c in chunks
    )
    return f"{target.name}: {meta.num_rows} rows, {target.stat().st_size} bytes; {encodings}"


def main() -> None:
    """Write both files beside this script and print what they hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "source", type=Path, help="flights-3m.parquet of vega-datasets 3.2.1"
    )
    table = first_days(parser.parse_args().source)
    targets = {HERE / "flights.parquet": True, HERE / "flights-plain.parquet": False}
    for target, dictionary in targets.items():
        write(table, target, dictionary=dictionary)
        if not pq.read_table(target).equals(table.cast(pq.read_schema(target))):
            raise ValueError(
                f"{target}: what was read back differs from what was written"
            )
        print(describe(target))
    total = sum(target.stat().st_size for target in targets)
    if total > TOTAL_LIMIT_BYTES:
        raise ValueError(
            f"both files hold {total} bytes, the limit is {TOTAL_LIMIT_BYTES}"
        )


if __name__ == "__main__":
    main()
