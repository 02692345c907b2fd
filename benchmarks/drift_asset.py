"""How long the drift of a month takes at the size of TelecomIT: 2.1 million customers, every
feature.

    python benchmarks/drift_asset.py --customers 2100000

The table is synthetic, each feature drawn evenly from its range or levels. Timed is what the asset
does for a month once the champion is read: the sample out of the lake, the effect sizes, and
Evidently's page. The sample of one training month is timed beside it, since the reference needs one
per month; it is read once per run.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from churn_platform.monitoring.drift import feature_drift, make_reference
from churn_platform.monitoring.html_report import write_report
from churn_platform.monitoring.monitored_month import CURRENT_ROWS
from churn_platform.monitoring.reference import REFERENCE_ROWS
from churn_platform.monitoring.sampling import sample_features
from churn_platform.months import parse_month
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Feature
from churn_platform.settings import load_settings
from churn_platform.sql import literals
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import write

MONTH = parse_month("2026-01")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, by the clock and in CPU seconds of all threads."""
    begun, worked = time.perf_counter(), time.process_time()
    yield
    print(
        f"  {what:<42}{time.perf_counter() - begun:8.1f} s{time.process_time() - worked:8.1f} CPU "
        "s",
        flush=True,
    )


def column(feature: Feature) -> str:
    """SQL of a synthetic column."""
    if feature.type == "category":
        levels = literals(feature.levels)
        return f'[{levels}][1 + floor(random() * {len(feature.levels)})::int] as "{feature.name}"'
    if feature.type == "boolean":
        return f'random() < 0.3 as "{feature.name}"'
    low, high = feature.range
    kind = "bigint" if feature.type == "integer" else "double"
    return f'({low} + random() * ({high} - {low}))::{kind} as "{feature.name}"'


def main() -> None:
    """Make the table, then time the steps."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=2_100_000)
    arguments = parser.parse_args()
    portfolio = load_portfolios(Path("portfolios"))["telecomit"]
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data_dir=Path(folder))
        install_extensions(settings.extension_dir)
        lake = Lake.of(settings)
        with closing(connect(lake)) as connection:
            columns = ", ".join(column(feature) for feature in portfolio.features)

            def make() -> None:
                connection.execute("create schema telecomit")
                connection.execute(
                    "create table telecomit.customer_features as "
                    f"select printf('C%09d', i) as customer_id, date '{MONTH}' as month, {columns} "
                    f"from range({arguments.customers}) as numbers(i)"
                )

            write(connection, lake, make)
        print(f"{arguments.customers:,} customers, {len(portfolio.features)} features")
        with closing(connect(lake, read_only=True)) as connection:
            with timed("sample of one of twelve training months"):
                before = sample_features(connection, portfolio, MONTH, rows=REFERENCE_ROWS // 12)
            with timed("histograms of the reference"):
                reference = make_reference([before], portfolio.features)
            with timed("sample of the month"):
                current = sample_features(connection, portfolio, MONTH, rows=CURRENT_ROWS)
            with timed("effect sizes of every feature"):
                feature_drift(reference, current, portfolio.features, {})
            with timed("Evidently's page, import included"):
                size = write_report(
                    Path(folder) / "page.html",
                    before,
                    current,
                    portfolio.features,
                    title="benchmark",
                )
    print(f"  page of {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
