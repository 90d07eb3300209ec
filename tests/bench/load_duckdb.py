"""The load by DuckDB: typed columns, bad cells into its own table of rejects, duplicates by `distinct on`, Parquet by month."""

import pathlib
import sys
import tempfile

import duckdb
from feeds import FEEDS, files, in_gbk, keep

KINDS = {"text": "varchar", "date": "date", "minute": "timestamp", "exact": "decimal(18, 4)", "count": "bigint"}


def main(project, out):
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    keeping = keep(project, out / "kept")
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    received = accepted = 0
    for number, (feed, path) in enumerate(files(project)):
        columns = "{" + ", ".join(f"'{name}': '{KINDS[kind]}'" for name, kind in feed["columns"].items()) + "}"
        with tempfile.NamedTemporaryFile(suffix=".csv") as utf8:
            if in_gbk(path):  # needs an extension that is no part of the wheel
                utf8.write(path.read_bytes().decode("gbk").encode())
                utf8.flush()
                path = utf8.name
            con.execute(
                f"create or replace temp table raw as select * from read_csv('{path}', header = true, auto_detect = false, delim = ',', "
                f"""quote = '"', columns = {columns}, store_rejects = true, rejects_table = 'refused', rejects_scan = 'refused_scan')"""
            )
        good = " and ".join([f'"{name}" is not null' for name in feed["required"]] + [f'"{name}" > 0' for name in feed["positive"]])
        key = ", ".join(f'"{name}"' for name in feed["key"])
        con.execute(f"create or replace temp table good as select distinct on ({key}) * from raw where {good}")
        con.execute(
            f"copy (select *, strftime(\"{feed['day']}\", '%Y-%m') as part from good) to '{out / feed['folder']}' "
            f"(format parquet, compression zstd, partition_by (part), append, filename_pattern 'file_{number}_{{uuid}}')"
        )
        (out / "rejected").mkdir(exist_ok=True)
        con.execute(
            f"copy (select csv_line as raw, error_message as why from refused union all "
            f"select cast(raw as varchar), 'rule' from raw where not ({good})) to '{out}/rejected/{number}.parquet' (format parquet)"
        )
        rows, bad = con.execute("select (select count(*) from raw), (select count(*) from refused)").fetchone()
        received += rows + bad
        accepted += con.execute("select count(*) from good").fetchone()[0]
        con.execute("drop table refused; drop table refused_scan")
    keeping.join()
    print(f"{received} rows, {accepted} accepted")


main(*sys.argv[1:])
