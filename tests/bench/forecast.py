"""Accuracy and cost of the forecasts beside the peers on the same panels: `forecast.py NONGSHI PANELS PEERS OUT [PANEL...]`.

PANELS is a folder of `NAME.parquet` (unique_id, ds, y), PEERS holds `peer_bench.py`; both sides write every forecast
with its cutoff and are scored here, on the windows that both have, by the definitions of `peer_bench.py`. A peer's
figure is that of its best row, found by looking at the scores. The interval beside a ratio holds 90 % of 2,000 draws of
series with replacement, the peer being the same in all of them. What the peers said is kept in OUT and used again.
"""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import polars as pl

MODELS = "Naive,SeasonalNaive,AutoETS,DOTheta,CES,AutoTheta"
TREES = ["--lgbm", "scale,log+diff", "--nonneg"]
# name: panel, frequency of ours and theirs, horizon, season, windows, step, what the peers are given besides, aim
PANELS = {
    "xinfadi_daily": ("xinfadi_daily", "D", "1d", 28, "7,365", 10, 28, TREES, 0.975),
    "xinfadi_weekly": ("xinfadi_weekly", "W", "1w", 13, "52", 12, 2, TREES, 0.975),
    "fruit_daily": ("fruit_daily", "D", "1d", 28, "7", 10, 28, TREES, 0.975),
    "meat_weekly_13": ("meat_weekly", "W", "1w", 13, "52", 16, 8, TREES, 0.975),
    "meat_weekly_26": ("meat_weekly", "W", "1w", 26, "52", 14, 8, TREES, 0.975),
    "meat_weekly_40": ("meat_weekly", "W", "1w", 40, "52", 12, 8, TREES, 0.975),
    "grain_monthly": ("grain_monthly", "M", "1mo", 6, "12", 8, 3, ["--lgbm", "scale", "--nonneg"], 1.0),
    "supermarket_daily": ("supermarket_daily", "D", "1d", 14, "7,365", 12, 14, ["--croston", "--lgbm", "scale", "--nonneg"], 0.975),
    "m4_weekly": ("m4_weekly", "1", "1", 13, "1", 1, 13, ["--lgbm", "no"], None),
    # the simulated chain, written by `chain.py`
    **{f"chain_{category}": (f"chain_{category}", "W", "1w", 13, "52", 12, 2, ["--croston", "--lgbm", "scale", "--nonneg"], 0.999)
       for category in ("eggs", "fruit", "grain_oil", "meat", "vegetables")},
}
SAMPLES = 2000


def run(command):
    started = time.monotonic()
    ended = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        sys.exit(f"{command[0]} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return time.monotonic() - started


def as_told(frame):
    """Keys of a window, whatever kind of day the writer chose."""
    kinds = {name: pl.Int64 if frame[name].dtype.is_integer() else pl.Date for name in ("cutoff", "ds")}
    return frame.with_columns([pl.col(name).cast(kind) for name, kind in kinds.items()])


def windows(said, panel, season):
    """By (series, cutoff): MASE, SPL and coverage of one model's rows; scales as in `peer_bench.py`."""
    values = {key[0]: (one["ds"].to_numpy(), one["y"].to_numpy()) for key, one in panel.group_by(["unique_id"], maintain_order=True)}
    found = {}
    for (key, cutoff), one in said.sort("ds").group_by(["unique_id", "cutoff"], maintain_order=True):
        days, known = values[key]
        training = known[days <= np.asarray(one["cutoff"][:1].to_numpy())[0]]
        lag = season if len(training) > season + 1 else 1
        scale = np.abs(training[lag:] - training[:-lag]).mean()
        came = one["y"].to_numpy()
        if not scale > 1e-12:
            continue
        losses = [np.maximum(level * (came - at), (level - 1) * (came - at)).mean() / scale
                  for level, at in ((0.1, one["lo"].to_numpy()), (0.5, one["f"].to_numpy()), (0.9, one["hi"].to_numpy()))]
        inside = ((came >= one["lo"].to_numpy()) & (came <= one["hi"].to_numpy())).mean()
        found[key, cutoff] = (np.abs(came - one["f"].to_numpy()).mean() / scale, float(np.mean(losses)), float(inside))
    return found


def mean(found, keys, place):
    return float(np.mean([found[key][place] for key in keys]))


def ratio(ours, peer, keys, place):
    """Ours by the peer's, and the middle 90 % over draws of series."""
    series = sorted({key for key, _ in keys})
    at = {key: index for index, key in enumerate(series)}
    sums = np.zeros((3, len(series)))
    for key in keys:
        sums[:, at[key[0]]] += (ours[key][place], peer[key][place], 1)
    draws = np.random.default_rng(7).integers(0, len(series), (SAMPLES, len(series)))
    drawn = sums[0][draws].sum(1) / sums[1][draws].sum(1)
    return sums[0].sum() / sums[1].sum(), *np.quantile(drawn, (0.05, 0.95))


def one(name, nongshi, panels, peers, out):
    panel, freq, theirs, horizon, seasons, count, step, besides, aim = PANELS[name]
    file, season = panels / f"{panel}.parquet", int(seasons.split(",")[0])
    told, board = out / f"{name}.ours.parquet", out / f"{name}.ours.json"
    run([nongshi, "backtest", "--panel", file, "--freq", freq, "--horizon", horizon, "--season", seasons,
         "--windows", count, "--step", step, "-o", board, "--dump", told])
    their_told, their_board = out / f"{name}.peers.parquet", out / f"{name}.peers.json"
    if not their_told.exists():
        models = MODELS if name != "m4_weekly" else "Naive,AutoETS,AutoTheta,DOTheta,CES"
        run([sys.executable, peers / "peer_bench.py", "--data", file, "--freq", theirs, "--h", horizon, "--season", season,
             *(["--seasons", seasons] if "," in seasons else []), "--windows", count, "--step", step, "--models", models,
             *besides, "--cap", 7200, "--out", their_board, "--dump", their_told])
    values = pl.read_parquet(file).select("unique_id", "ds", "y").with_columns(pl.col("unique_id").cast(pl.Utf8)).sort("unique_id", "ds")
    values = values.with_columns(pl.col("ds").cast(pl.Int64 if values["ds"].dtype.is_integer() else pl.Date))
    mine = as_told(pl.read_parquet(told)).join(values, on=["unique_id", "ds"])
    mine = mine.rename({"y_hat": "f", "q10": "lo", "q90": "hi"})
    rows = {"ours": mine, "theirs": as_told(pl.read_parquet(their_told))}
    scored = {side: {model[0]: windows(said, values, season) for model, said in frame.group_by(["model"])} for side, frame in rows.items()}
    whole = {model: found for model, found in scored["theirs"].items() if not any(np.isnan(row[1]) for row in found.values())}
    chosen = scored["ours"]["combination"]
    keys = sorted(set(chosen) & set.intersection(*(set(found) for found in scored["theirs"].values())))
    best = [min(pool, key=lambda model: mean(pool[model], keys, place)) for place, pool in ((0, scored["theirs"]), (1, whole))]
    cpu = next(row["cpu"] for row in json.load(open(board))["results"] if row["model"] == "combination")
    their_cpu = sum(row.get("cpu") or 0 for row in json.load(open(their_board))["results"])
    cells = [name, str(len(keys))]
    for place, model in enumerate(best):
        pool = scored["theirs"] if place == 0 else whole
        middle, low, high = ratio(chosen, pool[model], keys, place)
        mark = "" if aim is None else " ✓" if round(middle, 3) <= aim else " ✗"
        cells += [f"{mean(pool[model], keys, place):.3f} {model}", f"{mean(chosen, keys, place):.3f}", f"{middle:.3f} ({low:.2f}–{high:.2f}){mark}"]
    cells += [f"{mean(chosen, keys, 2):.3f}", f"{cpu:.0f} / {their_cpu:.0f} s"]
    print("| " + " | ".join(cells) + " |", flush=True)
    members = {model: found for model, found in scored["ours"].items() if model != "combination"}
    print("  <!-- members, MASE / SPL: " + ", ".join(
        f"{model} {mean(found, [key for key in keys if key in found], 0):.3f} / {mean(found, [key for key in keys if key in found], 1):.3f}"
        for model, found in sorted(members.items())) + " -->", flush=True)


def main():
    nongshi, panels, peers, out = (pathlib.Path(word) for word in sys.argv[1:5])
    out.mkdir(parents=True, exist_ok=True)
    print("| panel | windows | best peer's MASE | ours | ratio (90 % of draws) | best peer's SPL | ours | ratio (90 % of draws) | 80 % covers | CPU ours / peers |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in sys.argv[5:] or PANELS:
        one(name, nongshi, panels, peers, out)


main()
