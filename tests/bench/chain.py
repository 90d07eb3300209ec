"""Panels of the simulated chain for `forecast.py`: `chain.py WRITE OUT`.

WRITE is the simulator (`cargo build --release -p nongshi-samples --example write`). A chain of five shops with 120 products sells for
four years; OUT gets one `chain_CATEGORY.parquet` (unique_id, ds, y) a category: what all shops together sold of a product in a week, kg,
from the week of its first sale to the last whole week, products with two years of weeks or more. What sold is what an operator sees:
shelves run empty in it. The same bytes every time.
"""

import pathlib
import subprocess
import sys
import tempfile

import polars as pl

CATEGORIES = {"粮油": "grain_oil", "蔬菜": "vegetables", "水果": "fruit", "肉": "meat", "蛋": "eggs"}
SIZES = ["--shops", "5", "--products", "120", "--price-years", "4", "--sales-years", "4", "--stock-days", "30", "--receipt-days", "0"]
LEAST_WEEKS = 104


def main():
    write, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        chain, truth = pathlib.Path(folder, "chain"), pathlib.Path(folder, "truth")
        subprocess.run([write, chain, "--truth", truth, *SIZES], check=True, stdout=subprocess.DEVNULL)
        products = pl.read_csv(chain / "reference/products.csv", schema_overrides={"code": pl.Utf8})
        groups = {row["code"]: row["group"] for row in products.iter_rows(named=True)}
        # the record of what sold, without the dirt that the files of the inbox carry
        sold = pl.concat([pl.read_csv(file, schema_overrides={"product": pl.Utf8}, try_parse_dates=True)
                          for file in sorted((truth / "truth").glob("demand_*.csv"))])
    weeks = sold.group_by(unique_id="product", ds=pl.col("day").dt.truncate("1w")).agg(y=pl.col("sold_kg").sum(), days=pl.col("day").n_unique())
    weeks = weeks.filter(pl.col("days") == 7).drop("days").sort("unique_id", "ds")
    unknown = {group for group in groups.values() if category(group) is None}
    assert not unknown, f"groups of no category: {unknown}"
    for name in CATEGORIES.values():
        own = weeks.filter(pl.col("unique_id").is_in([code for code, group in groups.items() if category(group) == name]))
        pieces = [whole(series) for _, series in own.group_by(["unique_id"], maintain_order=True)]
        pieces = [series for series in pieces if series.height >= LEAST_WEEKS]
        panel = pl.concat(pieces)
        panel.write_parquet(out / f"chain_{name}.parquet")
        print(f"chain_{name}: {len(pieces)} series, {panel.height} weeks")


def category(group):
    return next((name for word, name in CATEGORIES.items() if word in group), None)


def whole(series):
    """Every week from the first sale to the last whole week; a week without a row sold nothing."""
    first = series.filter(pl.col("y") > 0)["ds"].min()
    series = series.filter(pl.col("ds") >= first) if first is not None else series.clear()
    if series.is_empty():
        return series
    days = pl.DataFrame({"ds": pl.date_range(first, series["ds"].max(), "1w", eager=True)})
    key = series["unique_id"][0]
    return days.join(series, on="ds", how="left").with_columns(unique_id=pl.lit(key), y=pl.col("y").fill_null(0.0)).select("unique_id", "ds", "y")


main()
