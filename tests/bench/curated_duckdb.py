"""The curated tables by DuckDB: the same SQL over the same Parquet files of the lake, written as Parquet by part."""

import json
import pathlib
import re
import sys

import duckdb

ORDER = ["sales_daily", "sales_weekly", "price_daily", "price_weekly", "price_monthly", "known_days", "known_names", "freshness", "unmapped_names"]


def live(table):
    """The files of a Delta table without checkpoints."""
    found = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                found[action["add"]["path"]] = True
            if "remove" in action:
                found.pop(action["remove"]["path"], None)
    return [str(table / path) for path in found]


def main(lake, transforms, keys, out):
    lake, transforms, out = pathlib.Path(lake), pathlib.Path(transforms), pathlib.Path(out)
    out.mkdir(parents=True)
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    for name, key in json.loads(pathlib.Path(keys).read_text()).items():
        if not (lake / "landed" / name).exists():
            continue
        con.execute(
            f"create view {name} as select * from read_parquet({live(lake / 'landed' / name)}) "
            f"qualify row_number() over (partition by {', '.join(key)} order by available_on desc, batch_seq desc, source_row desc) = 1"
        )
    for name in ORDER:
        text = (transforms / f"{name}.sql").read_text()
        part = re.search(r"^-- part: (\w+) of (\w+)", text, re.M)
        sql = text.strip().rstrip(";")
        if part:
            form = "%Y" if part[1] == "year" else "%Y-%m"
            con.execute(
                f"copy (select *, strftime({part[2]}, '{form}') as part from ({sql}\n)) to '{out / name}' "
                f"(format parquet, compression zstd, partition_by (part))"
            )
            files = f"{out / name}/*/*.parquet"
        else:
            con.execute(f"copy ({sql}\n) to '{out / name}.parquet' (format parquet, compression zstd)")
            files = f"{out / name}.parquet"
        con.execute(f"create view {name} as select * from read_parquet('{files}', hive_partitioning = false)")
        print(name, con.execute(f"select count(*) from {name}").fetchone()[0])


main(*sys.argv[1:])
