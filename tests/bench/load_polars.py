"""The load by Polars: typed columns, what cannot be read is null, duplicates by `unique`, Parquet by month."""

import pathlib
import sys

import polars as pl
from feeds import FEEDS, files, in_gbk, keep

KINDS = {"text": pl.String, "date": pl.Date, "minute": pl.String, "exact": pl.Decimal(18, 4), "count": pl.Int64}


def main(project, out):
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    keeping = keep(project, out / "kept")
    received = accepted = 0
    for number, (feed, path) in enumerate(files(project)):
        source = path.read_bytes().decode("gbk").encode() if in_gbk(path) else path
        schema = {name: KINDS[kind] for name, kind in feed["columns"].items()}
        rows = pl.read_csv(source, schema=schema, ignore_errors=True, truncate_ragged_lines=True)
        if feed["columns"][feed["day"]] == "minute":
            rows = rows.with_columns(pl.col(feed["day"]).str.to_datetime("%Y-%m-%d %H:%M", strict=False))
        good = pl.all_horizontal(
            [pl.col(name).is_not_null() for name in feed["required"]] + [(pl.col(name) > 0).fill_null(False) for name in feed["positive"]]
        )
        kept = rows.lazy().filter(good).unique(subset=feed["key"], keep="any").with_columns(part=pl.col(feed["day"]).dt.strftime("%Y-%m")).collect()
        for (part,), month in kept.partition_by("part", as_dict=True, include_key=False).items():
            folder = out / feed["folder"] / f"part={part}"
            folder.mkdir(parents=True, exist_ok=True)
            month.write_parquet(folder / f"{number}.parquet", compression="zstd", compression_level=1)
        (out / "rejected").mkdir(exist_ok=True)
        rows.filter(~good).write_parquet(out / "rejected" / f"{number}.parquet")
        received += rows.height
        accepted += kept.height
    keeping.join()
    print(f"{received} rows, {accepted} accepted")


main(*sys.argv[1:])
