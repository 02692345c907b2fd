"""The entry: live month by month and write what the operator would land, chunk by chunk of
customers.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from churn_platform.parallel import in_order
from churn_platform.portfolios.spec import Portfolio
from churn_platform.simulator.app_sessions import generate_sessions
from churn_platform.simulator.calls import generate_calls
from churn_platform.simulator.campaign import Plans, describe_contacts, nobody
from churn_platform.simulator.chunk import Chunk, Columns
from churn_platform.simulator.coefficients import TAKEOVER_APP_LEVEL, TAKEOVER_DATA_VOLUME
from churn_platform.simulator.config import SimulationConfig, days_in, epoch_day, month_number
from churn_platform.simulator.customers import describe_customers, describe_preferences
from churn_platform.simulator.faults import break_amounts, lose_calls
from churn_platform.simulator.identifiers import customer_ids
from churn_platform.simulator.payments import generate_payments
from churn_platform.simulator.response import ResponseType, churn_if_contacted
from churn_platform.simulator.schema import arrow_schema, load_telecomit, to_batch
from churn_platform.simulator.tickets import generate_tickets
from churn_platform.simulator.world import Month, Stream, World, generator
from churn_platform.simulator.writer import ParquetFile, append_numbered

CHUNK_CUSTOMERS = 10_000  # part of the world: another size draws other events
CAMPAIGN = "campaign_contacts"  # written for months with a campaign alone
WORKERS = 2  # numpy releases the interpreter lock; the order of rows does not depend on this
TRUTH_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("churn_probability", pa.float64()),
        ("churned", pa.bool_()),
        ("response_type", pa.string()),
        ("churn_probability_if_contacted", pa.float64()),
        ("is_contacted", pa.bool_()),
    ]
)

TableBatches = dict[str, list[pa.RecordBatch]]


def simulate(
    config: SimulationConfig,
    landing_dir: Path,
    truth_dir: Path,
    on_progress: Callable[[str], None] | None = None,
    *,
    plans: Plans = nobody,
    write_from: date | None = None,
) -> None:
    """Write `<landing_dir>/telecomit/<table>/<YYYY-MM>.parquet` and `<truth_dir>/<YYYY-MM>.parquet`
    for every month.

    The same config gives the same bytes. Existing files of those months are replaced, each only
    when its successor is complete. `on_progress` gets 'YYYY-MM' after each month. Truth has one row
    per customer active at the month's start.

    `plans` says which customers the operator contacts in a month; it is asked when the month before
    has been written, so it may run the platform on that. The same plans give the same bytes, and
    none give those of a world without campaigns. With `write_from` the months before it are lived
    and not written.
    """
    portfolio = load_telecomit()
    world = World(config)
    for first_day in config.month_starts():
        month = world.live_month(plans(first_day))
        if write_from is not None and first_day < write_from:
            continue
        label = f"{first_day:%Y-%m}"
        write_landing(config, portfolio, month, Path(landing_dir) / portfolio.name, label)
        write_truth(month, Path(truth_dir) / f"{label}.parquet")
        if on_progress is not None:
            on_progress(label)


def write_landing(
    config: SimulationConfig, portfolio: Portfolio, month: Month, folder: Path, label: str
) -> None:
    """Write the month's file of every table."""
    write_contacts(portfolio, month, folder / CAMPAIGN / f"{label}.parquet")
    tables = [table for table in portfolio.tables if table.name != CAMPAIGN]
    starts = range(0, len(month.people), CHUNK_CUSTOMERS)
    number = month_number(month.first_day)

    def chunk_from(start: int) -> TableBatches:
        return generate_chunk(config, portfolio, month, start)

    with ExitStack() as stack:
        outputs = {}
        for table in tables:
            file = ParquetFile(folder / table.name / f"{label}.parquet", arrow_schema(table))
            outputs[table.name] = stack.enter_context(file)

        for batches in in_order(chunk_from, starts, threads=WORKERS):
            for table in tables:
                output = outputs[table.name]
                for batch in batches[table.name]:
                    if table.key == "customer_id":
                        output.append(batch)
                    else:
                        append_numbered(output, batch, table.key, number)


def write_contacts(portfolio: Portfolio, month: Month, path: Path) -> None:
    """Write the contacts that took place; no file, and none from before, where there were none."""
    if month.plan is None or month.reached is None or not len(month.reached.row):
        path.unlink(missing_ok=True)
        return

    table = portfolio.table(CAMPAIGN)
    columns = describe_contacts(month.plan, month.reached, month.first_day)
    with ParquetFile(path, arrow_schema(table)) as output:
        batch = to_batch(table, columns, customer_ids(month.people.number))
        append_numbered(output, batch, table.key, month_number(month.first_day))


def generate_chunk(
    config: SimulationConfig, portfolio: Portfolio, month: Month, start: int
) -> TableBatches:
    """All tables' rows of the customers from position `start` on, without the keys that number
    rows.
    """
    leaves_on = month.leaves_on[start : start + CHUNK_CUSTOMERS]
    chunk = make_chunk(month, start)
    ids = customer_ids(chunk.people.number)
    columns = {
        "customers": describe_customers(chunk, leaves_on),
        "contact_preferences": describe_preferences(chunk),
    } | generate_events(config, month, chunk, start)

    batches = {}
    for name, blocks in columns.items():
        table = portfolio.table(name)
        batches[name] = [to_batch(table, block, ids) for block in blocks]

    # After the events are drawn: the customers live the same month, only the files are broken.
    if month.scenario == "broken_feed":
        rng = generator(config, Stream.FAULT, month.first_day, start)
        batches["cdr"] = [lose_calls(rng, batch) for batch in batches["cdr"]]
        batches["transactions"] = [break_amounts(batch) for batch in batches["transactions"]]

    return batches


def generate_events(
    config: SimulationConfig, month: Month, chunk: Chunk, start: int
) -> dict[str, list[Columns]]:
    """Blocks of events by table; each table draws from its own stream."""
    volume = app_level = 1.0
    if month.scenario == "harmless_mix":
        volume, app_level = TAKEOVER_DATA_VOLUME, TAKEOVER_APP_LEVEL

    # A generator for each table and chunk: workers may run in any order and give the same bytes.
    rng = {stream: generator(config, stream, month.first_day, start) for stream in Stream}
    return {
        "transactions": generate_payments(rng[Stream.PAYMENTS], chunk),
        "cdr": generate_calls(rng[Stream.CALLS], chunk, config.calls_per_customer, volume),
        "support_tickets": generate_tickets(rng[Stream.TICKETS], chunk),
        "app_usage": generate_sessions(rng[Stream.APP], chunk, app_level),
    }


def make_chunk(month: Month, start: int) -> Chunk:
    """The customers from position `start` on, with the days on which each was active."""
    rows = slice(start, start + CHUNK_CUSTOMERS)
    people = month.people.select(rows)
    leaves_on = month.leaves_on[rows]
    month_day = epoch_day(month.first_day)
    month_days = days_in(month.first_day)
    first_day = np.maximum(people.signup_day - month_day, 0).astype(np.int64)
    last_day = np.where(leaves_on >= 0, leaves_on + 1, month_days)
    return Chunk(
        people=people,
        month_day=month_day,
        month_days=month_days,
        first_day=first_day,
        days=last_day - first_day,
    )


def write_truth(month: Month, path: Path) -> None:
    """Write the truth about the month, one row per customer active at its start.

    `churn_probability` is that without a contact, `churn_probability_if_contacted` that if the
    operator sets out to contact the customer, reached or not; `churned` is what happened,
    `is_contacted` whether the customer was reached.
    """
    known = len(month.probability)
    is_contacted = np.zeros(known, dtype=bool)
    if month.reached:
        is_contacted[month.reached.row] = True

    columns = [
        customer_ids(month.people.number[:known]),
        month.probability,
        ~month.stays[:known],
        pa.array([kind.name.lower() for kind in ResponseType]).take(pa.array(month.types)),
        churn_if_contacted(month.probability, month.types),
        is_contacted,
    ]
    with ParquetFile(path, TRUTH_SCHEMA) as output:
        output.append(pa.record_batch(columns, schema=TRUTH_SCHEMA))
