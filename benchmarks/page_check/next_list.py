"""The last part of the loop: what was recorded reaches the lake, and the next list knows it."""

import shutil
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path

from churn_platform.campaign.contact_decisions import replace_decisions
from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.ingest.hashing import set_keys
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.serving_log.outcome_ingestion import ingest_outcomes
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import write


def next_list_knows(
    settings: Settings, portfolio: str, recorded: Path, customer_id: str, state: Path
) -> None:
    """In a copy of the lake: ingest, score the month of the call as the newest one was, and make
    its list. SystemExit unless the customer is off it for the contact, and the answer is in the
    outcomes.
    """
    copy = state / "copy"
    copy.mkdir()
    shutil.copytree(settings.lake_files, copy / "lake")
    for path in settings.root.glob("catalog.sqlite*"):
        shutil.copy(path, copy)
    own = load_settings(data_dir=copy, phone_hash_key=settings.hash_key())
    lake, spec = Lake.of(own), load_portfolios(own.portfolios_dir)[portfolio]
    with closing(connect(lake)) as connection:
        set_keys(connection, own.hash_key())
        done = ingest_outcomes(connection, lake, spec, recorded / portfolio)
        print(f"{done.predictions} outcomes in the lake")
        row = connection.execute(
            f"select max(month), count(*) from {portfolio}.recorded_outcomes "
            "where customer_id = ? and answer = 'accepted'",
            [customer_id],
        ).fetchone()
        contacts = connection.execute(
            f"select is_accepted from {spec.raw_schema}.campaign_contacts where customer_id = ?",
            [customer_id],
        ).fetchall()
        if row is None or row[1] != 1 or (True,) not in contacts:
            raise SystemExit(f"the outcome of {customer_id} is not in the lake: {row}, {contacts}")
        decision = _decision_of(connection, lake, spec, row[0], customer_id)
    print(f"next list: {decision}")
    if decision != "recently_contacted":
        raise SystemExit(f"the next list says {decision} of a customer who was just contacted")


def _decision_of(connection, lake: Lake, spec, month: date, customer_id: str) -> str:
    """What the list of the month of the call says of the customer."""
    for table in ("monthly_scores", "customer_features"):
        name = f"{spec.name}.{table}"
        again = (
            f"insert into {name} select * replace (date '{month}' as month) from {name} "
            f"where month = (select max(month) from {name} where month < date '{month}') "
            f"and not exists (from {name} where month = date '{month}')"
        )
        write(connection, lake, partial(connection.execute, again))
    write(connection, lake, partial(replace_contact_list, connection, spec, month))
    write(connection, lake, partial(replace_decisions, connection, spec, month))
    row = connection.execute(
        f"select decision from {spec.name}.contact_decisions where month = ? and customer_id = ?",
        [month, customer_id],
    ).fetchone()
    return row[0] if row else "nothing"
