"""Times nongshi beside its peers in one run: `bench.py NONGSHI DATA OUT ROUNDS [CASE...]`; called by `run`.

Cases: load (the full load, and one more day), curated. Figures are the medians of the rounds; ratios are of wall time.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOM = HERE.parent.parent


def measured(name, command, into):
    """Runs the command; adds wall and CPU seconds and the most memory in MiB to `into[name]`, and prints them."""
    started = time.monotonic()
    command = [str(word) for word in command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{name}: {os.waitstatus_to_exitcode(status)}\n{said}")
    took = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}
    into.setdefault(name, []).append(took)
    last = said.strip().splitlines()[-1:]
    print(f"  {name:28} {wall:7.1f} s wall {took['cpu']:7.1f} s CPU {took['mib']:6.0f} MiB   {''.join(last)[:110]}", flush=True)


def table(title, took, ours, peers):
    """The medians, and ours against the faster peer."""
    middle = {name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]} for name, rounds in took.items()}
    print(f"\n| {title} | wall | CPU | most memory |\n|---|---|---|---|")
    for name, one in middle.items():
        print(f"| {name} | {one['wall']:.1f} s | {one['cpu']:.1f} s | {one['mib']:.0f} MiB |")
    best = min((name for name in peers if name in middle), key=lambda name: middle[name]["wall"], default=None)
    if best:
        print(f"\n{ours} / {best}: {middle[ours]['wall'] / middle[best]['wall']:.2f} of its wall time")
    return middle


def keys():
    """The landed tables and their keys, as the house writes them."""
    text = (ROOM / "pipeline/domain/src/tables.rs").read_text()
    return {name: re.findall(r'"(\w+)"', key) for name, key in re.findall(r'name: "(\w+)",\s*key: &\[([^\]]*)\]', text)}


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    return path


def load(nongshi, data, out, rounds):
    took, day = {}, {}
    held_back = sorted((data / "inbox/pos").glob("*.csv"))[-1]
    aside = out / held_back.name
    for _ in range(rounds):
        shutil.move(held_back, aside)
        try:
            fresh(data / "lake")
            measured("nongshi ingest", [nongshi, "-C", data, "ingest"], took)
            for peer in ("duckdb", "polars"):
                measured(peer, [sys.executable, HERE / f"load_{peer}.py", data, fresh(out / peer)], took)
                fresh(out / peer)
        finally:
            shutil.move(aside, held_back)
        measured("one more day", [nongshi, "-C", data, "ingest"], day)
        measured("nothing new", [nongshi, "-C", data, "ingest"], day)
    full = table("full load", took, "nongshi ingest", ["duckdb", "polars"])["nongshi ingest"]["wall"]
    for name, one in table("after it", day, "one more day", []).items():
        print(f"{name}: {100 * one['wall'] / full:.2f} % of the full load")


def curated(nongshi, data, out, rounds):
    took = {}
    (out / "keys.json").write_text(json.dumps(keys()))
    if not (data / "lake").exists():
        measured("nongshi ingest", [nongshi, "-C", data, "ingest"], {})
    for _ in range(rounds):
        for made in ("lake/curated", "lake/marks/curated"):
            fresh(data / made)
        measured("nongshi transform", [nongshi, "-C", data, "transform"], took)
        peer = [sys.executable, HERE / "curated_duckdb.py", data / "lake", ROOM / "pipeline/transforms/sql", out / "keys.json"]
        measured("duckdb", [*peer, fresh(out / "curated")], took)
        fresh(out / "curated")
    table("curated tables", took, "nongshi transform", ["duckdb"])


def main(nongshi, data, out, rounds, *cases):
    data, out = pathlib.Path(data), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for case in cases or ("load", "curated"):
        print(f"\n{case}")
        {"load": load, "curated": curated}[case](nongshi, data, out, int(rounds))


main(*sys.argv[1:])
