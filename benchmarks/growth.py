"""How much an installation grows over a year of monthly runs, with and without housekeeping.

    python -m benchmarks.growth --customers 1500 --months 12
    python -m benchmarks.growth --customers 1500 --months 12 --lake-only

The tests' small snapshot portfolio. Each month lands and runs from end to end, with a training in
every third month; then the month before is delivered again, and features and scores of both are
made anew. Retention is scaled to the run: after each month goes what is older than three of them,
but files without use stay for another month. Both installations do the same. `--lake-only` writes
tables like these alone, without a run, in seconds.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
from dagster import DagsterInstance

from churn_platform.graph.old_runs import forgetting
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.housekeeping.clean_up import Retention, keep_house, weigh
from churn_platform.housekeeping.old_folders import Size
from churn_platform.markdown import table as markdown_table
from churn_platform.months import label, month_range, shift
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.maintenance import tidy as tidy_lake
from churn_platform.warehouse.tables import replace_rows, write
from churn_platform_tests.support.acme import land_snapshot, write_spec
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.tiny import JANUARY, customers

KEPT_MONTHS = 3
TRAINED_EVERY = 3
SHOWN = ("lake", "catalog", "published", "exports", "MLflow", "Dagster", "working files")


def months_of_an_operator(
    graph: Graph, *, rows: int, months: int, housekeeping: bool
) -> Iterator[tuple[str, list[str]]]:
    """Each month as it is lived through; a line of sizes after it."""
    write_spec(graph)
    ends: list[datetime] = []
    folder = graph.folder / "dagster"
    folder.mkdir()
    with DagsterInstance.local_temp(str(folder)) as instance:
        for number, month in enumerate(month_range(JANUARY, shift(JANUARY, months - 1))):
            before = max(JANUARY, shift(month, -1))
            land_snapshot(graph, month, customers(rows, seed=number))
            for stage in ("features", "training", "scores", "monitoring"):
                if stage != "training" or number % TRAINED_EVERY == 0:
                    graph.run_on(instance, f"acme_{stage}", month, month)
            land_snapshot(graph, before, customers(rows, seed=100 + number))
            for stage in ("features", "scores"):
                graph.run_on(instance, f"acme_{stage}", before, month)
            ends.append(datetime.now(UTC))
            if housekeeping:
                tidy(graph, instance, ends)
            yield label(month), sizes_of(graph)


def tidy(graph: Graph, instance: DagsterInstance, ends: list[datetime]) -> None:
    """Housekeeping with a retention of some months of this benchmark."""
    since = ends[-1 - KEPT_MONTHS] if len(ends) > KEPT_MONTHS else datetime(2000, 1, 1, tzinfo=UTC)
    grace = ends[-1] - ends[-2] if len(ends) > 1 else timedelta(days=1)
    retention = Retention(since, since, published_months=KEPT_MONTHS, grace=grace)
    client = Tracking.of(graph.settings).client()
    keep_house(graph.settings, ["acme"], client, retention, forget_runs=forgetting(instance))


def sizes_of(graph: Graph) -> list[str]:
    """Megabytes and files by place, and snapshots of the lake."""
    sizes = weigh(graph.settings)
    with closing(connect(graph.lake, read_only=True)) as connection:
        counted = connection.execute("select count(*) from ducklake_snapshots('lake')").fetchone()
    total = sum((sizes[name] for name in SHOWN), start=Size(0, 0))
    shown = [sizes[name] for name in SHOWN] + [total]
    cells = [f"{size.size_bytes / 1e6:.1f} / {size.files}" for size in shown]
    return [*cells, str(counted[0] if counted else 0)]


def months_of_a_lake(
    graph: Graph, *, rows: int, months: int, housekeeping: bool
) -> Iterator[tuple[str, list[str]]]:
    """Tables of a month and of the one before, written as runs write them: large ones, and some of
    a few rows.
    """
    ends: list[datetime] = []
    sizes = {"customers": rows, "features": rows, "scores": rows, "decision": 1, "drift": 4}
    install_extensions(graph.lake.extension_dir)
    with closing(connect(graph.lake)) as connection:
        for number, month in enumerate(month_range(JANUARY, shift(JANUARY, months - 1))):
            for written in sorted({month, max(JANUARY, shift(month, -1))}):
                for table, size in sizes.items():
                    made = customers(size, seed=number).features.astype(float)
                    columns = {"month": "date"} | {
                        f"value_{place}": "double" for place in range(made.shape[1])
                    }
                    values = {f"value_{place}": made[:, place] for place in range(made.shape[1])}
                    new = pa.table({"month": pa.array([written] * size), **values})
                    replace = partial(
                        replace_rows, connection, f"operator.{table}", columns, written, new
                    )
                    write(connection, graph.lake, replace)
            ends.append(datetime.now(UTC))
            if housekeeping and len(ends) > KEPT_MONTHS:
                tidy_lake(graph.lake, [], until=ends[-1 - KEPT_MONTHS], grace=ends[-1] - ends[-2])
            yield label(month), sizes_of(graph)


def main() -> None:
    """Print a table for each of the two installations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_500)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--lake-only", action="store_true", help="Tables alone, without runs.")
    parser.add_argument("--only", choices=["without", "with"], help="One of the two; default both.")
    arguments = parser.parse_args()
    for housekeeping in (False, True):
        if arguments.only and housekeeping != (arguments.only == "with"):
            continue
        print(f"\n{'with' if housekeeping else 'without'} housekeeping, MB / files\n", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            graph = Graph(Path(folder), tuning_trials=0)
            options = {
                "rows": arguments.customers,
                "months": arguments.months,
                "housekeeping": housekeeping,
            }
            live = months_of_a_lake if arguments.lake_only else months_of_an_operator
            rows = []
            for month, sizes in live(graph, **options):
                print(f"{month} done", file=sys.stderr)
                rows.append([month, *sizes])

        print(markdown_table(["month", *SHOWN, "all", "snapshots"], rows), flush=True)


if __name__ == "__main__":
    main()
