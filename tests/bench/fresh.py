"""Demand beyond sales on fresh food, beside LightGBM: `fresh.py NONGSHI FRESH OUT [WEEKS]`.

FRESH is a folder of `fresh_city_NN.parquet`: sales of 25,132 products of shops by day, with the hours they were out of stock and
what was known beforehand (discount, weather, holidays, activities). For each of the last WEEKS weeks (default 1) both sides see the
days before it and say its seven days. Scored as in the data's own table: rows in stock all day, WAPE and signed error by sum of
sales for each day, then the mean over days, in percent. LightGBM (by mlforecast, recursive, 500 trees, L1 and Tweedie) gets the same
known columns, the keys' parts as static columns, lags 1 to 7, 14, 21, 28 and rolling means.
"""

import datetime
import pathlib
import resource
import subprocess
import sys
import time

import polars as pl

KNOWN = ["discount", "precpt", "avg_temperature", "avg_humidity", "avg_wind_level", "holiday_flag", "activity_flag"]
STATIC = ["city_id", "store_id", "first_category_id", "second_category_id", "third_category_id", "product_id"]
HORIZON = 7


def read(folder):
    frame = pl.concat([pl.read_parquet(file) for file in sorted(folder.glob("fresh_city_*.parquet"))])
    key = pl.concat_str([pl.col("city_id"), pl.col("store_id"), pl.col("product_id")], separator="/")
    frame = frame.with_columns(key.alias("unique_id"), pl.col("dt").alias("ds"), pl.col("sale_amount").cast(pl.Float64).alias("y"),
                               (1 - pl.col("stockout_hours_6_22").cast(pl.Float64) / 16).alias("in_stock"))
    known = [pl.col(name).cast(pl.Float64) for name in KNOWN]
    return frame.with_columns(known).select("unique_id", "ds", "y", "in_stock", *KNOWN, *STATIC).sort("unique_id", "ds")


def score(said, came):
    rows = came.filter(pl.col("in_stock") == 1).join(said, on=["unique_id", "ds"], how="left")
    assert rows["f"].null_count() == 0, f"{rows['f'].null_count()} of {rows.height} rows were not said"
    days = rows.group_by("ds").agg(
        wape=100 * (pl.col("f") - pl.col("y")).abs().sum() / pl.col("y").sum(),
        bias=100 * (pl.col("f") - pl.col("y")).sum() / pl.col("y").sum(),
        inside=((pl.col("y") >= pl.col("lo")) & (pl.col("y") <= pl.col("hi"))).mean())
    return tuple(days[name].mean() for name in ("wape", "bias", "inside"))


def ours(nongshi, past, came, out):
    file, told = out / "panel.parquet", out / "said.parquet"
    # the week to be said: what is known beforehand, and no value
    ahead = came.with_columns(pl.lit(None, pl.Float64).alias("y"), pl.lit(None, pl.Float64).alias("in_stock"))
    pl.concat([past, ahead.select(past.columns)]).drop(STATIC).write_parquet(file)
    ended = subprocess.run([nongshi, "forecast", "--panel", file, "--freq", "D", "--horizon", str(HORIZON), "--season", "7",
                            "--known", ",".join(KNOWN), "--in-stock", "in_stock", "-o", told], capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        sys.exit(f"{nongshi} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    said = pl.read_parquet(told)
    return said.select("unique_id", pl.col("ds").cast(pl.Date), pl.col("y_hat").alias("f"), pl.col("q10").alias("lo"), pl.col("q90").alias("hi"))


def theirs(past, came):
    import lightgbm
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean
    common = {"n_estimators": 500, "learning_rate": 0.05, "num_leaves": 63, "min_child_samples": 50, "verbosity": -1, "n_jobs": 2, "seed": 1}
    models = {"LightGBM L1": lightgbm.LGBMRegressor(objective="l1", **common),
              "LightGBM Tweedie": lightgbm.LGBMRegressor(objective="tweedie", tweedie_variance_power=1.3, **common)}
    forecaster = MLForecast(models=models, freq="1d", lags=[*range(1, 8), 14, 21, 28], date_features=["weekday"],
                            lag_transforms={1: [RollingMean(7), RollingMean(28)], 7: [RollingMean(28)]})
    forecaster.fit(past.drop("in_stock"), static_features=STATIC)
    said = forecaster.predict(HORIZON, X_df=came.select("unique_id", "ds", *KNOWN))
    return {name: said.select("unique_id", "ds", pl.col(name).clip(0).alias("f"), pl.lit(None, pl.Float64).alias("lo"),
                              pl.lit(None, pl.Float64).alias("hi")) for name in models}


def main():
    nongshi, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    weeks = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    out.mkdir(parents=True, exist_ok=True)
    frame = read(folder)
    last = frame["ds"].max()
    print("| week from | who | WAPE | bias | 80 % covers | CPU s | most memory, MiB |\n|---|---|---|---|---|---|---|")
    for week in range(weeks):
        cutoff = last - datetime.timedelta(days=HORIZON * (week + 1))
        past = frame.filter(pl.col("ds") <= cutoff)
        came = frame.filter((pl.col("ds") > cutoff) & (pl.col("ds") <= cutoff + datetime.timedelta(days=HORIZON)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = ours(nongshi, past, came, out)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        wape, bias, inside = score(said, came)
        print(f"| {cutoff} | nongshi | {wape:.2f} | {bias:+.2f} | {inside:.3f} | {cpu:.0f} | {after.ru_maxrss // 1024} |", flush=True)
        started = time.process_time()
        for name, said in theirs(past, came).items():
            wape, bias, _ = score(said, came)
            print(f"| {cutoff} | {name} | {wape:.2f} | {bias:+.2f} | | {time.process_time() - started:.0f} (both) | |", flush=True)


main()
