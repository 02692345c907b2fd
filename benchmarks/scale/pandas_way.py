"""The way of the reference case: pandas groups with lambdas per customer, and scores in slices of a
frame.

    python -m benchmarks.scale.pandas_way FOLDER SECONDS

Doubles the number of customers until a run takes longer than half the seconds given, and prints the
last one as JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.scale.world import NEWEST, portfolio, settings_of
from churn_platform.months import as_of, label
from churn_platform.sql import literal, read_parquet

TABLES = {
    "transactions": "transacted_at",
    "cdr": "started_at",
    "support_tickets": "opened_at",
    "app_usage": "started_at",
}
SLICE_ROWS = 1_000
FEWEST_CUSTOMERS = 500


def largest_run(folder: Path, seconds: float) -> dict[str, float]:
    """Customers and seconds of the largest run that ends in time."""
    model = champion(folder)
    customers, took = FEWEST_CUSTOMERS // 2, 0.0
    while took < seconds / 2:
        customers *= 2
        with tempfile.TemporaryDirectory(dir=folder) as landed:
            first_customers(folder, Path(landed), customers)
            begun, worked = time.perf_counter(), time.process_time()
            score(model, features(Path(landed)))
            took, cpu = time.perf_counter() - begun, time.process_time() - worked
    return {"customers": customers, "wall_s": took, "cpu_s": cpu}


def first_customers(folder: Path, to: Path, customers: int) -> None:
    """The month's landed rows of the first customers, as files of their own."""
    landing = settings_of(folder).landing_dir / "telecomit"
    of = {table: landing / table / f"{label(NEWEST)}.parquet" for table in ("customers", *TABLES)}
    with duckdb.connect() as connection:
        for table, path in of.items():
            connection.execute(
                f"copy (select * from {read_parquet(path)} where customer_id in "
                f"(select customer_id from {read_parquet(of['customers'])} "
                f"order by customer_id limit {customers})) "
                f"to {literal(to / f'{table}.parquet')}"
            )


def features(landed: Path) -> pd.DataFrame:
    """A row per customer: the month's sums, shares and recencies, in lambdas over groups."""
    frames = {
        table: pd.read_parquet(landed / f"{table}.parquet") for table in ("customers", *TABLES)
    }
    end = pd.Timestamp(as_of(NEWEST))
    calls = frames["cdr"].groupby("customer_id")
    paid = frames["transactions"].groupby("customer_id")["amount_eur"]
    tickets = frames["support_tickets"].groupby("customer_id")
    sessions = frames["app_usage"].groupby("customer_id")
    made = calls.apply(
        lambda own: pd.Series(
            {
                "calls": (own["record_type"] == "voice").sum(),
                "minutes": own.loc[own["record_type"] == "voice", "duration_s"].sum() / 60,
                "texts": (own["record_type"] == "sms").sum(),
                "data_gb": own["data_mb"].sum() / 1000,
                "international": own["is_international"].mean(),
                "outgoing": own["is_outgoing"].mean(),
                "dropped": own["is_dropped"].mean(),
                "peak": own["started_at"].dt.hour.between(8, 19).mean(),
                "contacts": own["contact_number"].nunique(),
                "active_days": own["started_at"].dt.date.nunique(),
            }
        ),
        include_groups=False,
    )
    parts = {
        **{
            f"last_{name}": frames[name]
            .groupby("customer_id")[at]
            .apply(lambda own: (end - own.max()).days)
            for name, at in TABLES.items()
        },
        "payments": paid.apply(lambda own: len(own)),
        "paid_eur": paid.apply(lambda own: own.sum()),
        "paid_mean": paid.apply(lambda own: own.mean()),
        "paid_std": paid.apply(lambda own: own.std()),
        "tickets": tickets["ticket_id"].apply(lambda own: len(own)),
        "complaints": tickets["category"].apply(lambda own: (own == "complaint").mean()),
        "unresolved": tickets["resolved_at"].apply(lambda own: own.isna().sum()),
        "sessions": sessions["duration_s"].apply(lambda own: len(own)),
        "app_minutes": sessions["duration_s"].apply(lambda own: own.sum() / 60),
        "cancelling": sessions["screen"].apply(lambda own: (own == "cancellation").sum()),
    }
    return frames["customers"].set_index("customer_id").join(made).join(pd.DataFrame(parts))


def champion(folder: Path):
    """The model that scores, and how many features it takes."""
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.scoring.champion_model import load_champion

    return load_champion(Tracking.of(settings_of(folder)).client(), portfolio()).model


def score(model, customers: pd.DataFrame) -> pd.Series:
    """Probabilities, a slice at a time; what the slice lacks of the model's features is missing."""
    numbers = customers.select_dtypes("number").astype("float32")
    names = [feature.name for feature in model.features]
    frame = numbers.set_axis([*names[: numbers.shape[1]]], axis=1).reindex(columns=names)
    slices = [frame.iloc[start : start + SLICE_ROWS] for start in range(0, len(frame), SLICE_ROWS)]
    return pd.concat(
        pd.Series(model.estimator.predict_proba(each)[:, 1], each.index) for each in slices
    )


if __name__ == "__main__":
    print(json.dumps(largest_run(Path(sys.argv[1]), float(sys.argv[2]))))
