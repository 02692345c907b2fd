"""An operator whose database no one has described yet: other names, units, levels and times."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from churn_platform.connect.connect import Connection, connect_operator
from churn_platform.sources.open_source import Resources

CUSTOMERS = """
    create table kunden (stand text, kundennummer text, rufnummer text, activated text,
        zustand text, kuendigungsdatum text, tarif_typ text, laufzeit_ende text, zahlungsart text,
        altersgruppe text, bundesland text, grundgebuehr_ct integer, shoe_size integer)
"""
CALLS = """
    create table verbindungen (call_id text, kunde_id text, call_start text, kind text,
        direction text, b_number text, dauer_min real, volume_kb integer, abroad text,
        drop_flag text)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """60 customers of May 2026 with five calls each."""
    path = tmp_path / "crm.db"
    kinds, lands = ("PRE", "M2M", "12M", "24M"), ("Bayern", "Hessen", "Sachsen")
    customers, calls = [], []
    for number in range(60):
        left = number % 20 == 19
        customers.append(
            (
                *("2026-05", f"K{number:05}", f"+49151{number:07}", f"0{1 + number % 9}.02.2020"),
                *("X" if left else "A", "11.05.2026" if left else None, kinds[number % 4]),
                *(None, "SEPA" if number % 3 else "CC", "25-34", lands[number % 3]),
                *(1999 + number, number % 40),
            )
        )
        for call in range(5):
            kind = "VTD"[call % 3]
            calls.append(
                (
                    *(f"C{number}-{call}", f"K{number:05}", f"2026-05-{1 + call:02} 10:00:00"),
                    *(kind, "J" if call % 2 else "N", f"+4917{call:08}", 1.5 if kind == "V" else 0),
                    *(2048 if kind == "D" else 0, "N", "J" if call == 4 else "N"),
                )
            )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(CUSTOMERS)
        connection.execute(CALLS)
        connection.execute("create table shop_opening_hours (shop text, opens text)")
        connection.execute("insert into shop_opening_hours values ('Ulm', '09:00')")
        connection.executemany(f"insert into kunden values ({', '.join('?' * 13)})", customers)
        connection.executemany(f"insert into verbindungen values ({', '.join('?' * 10)})", calls)
    return path


@pytest.fixture
def resources(tmp_path: Path, extensions: Path) -> Resources:
    """What looking and reading may use."""
    return Resources(extensions, tmp_path / "tmp")


@pytest.fixture
def made(tmp_path: Path, database: Path, resources: Resources) -> Connection:
    """The proposal for that operator."""
    return connect_operator(
        "acme",
        [f"crm={database}"],
        portfolios_dir=tmp_path / "portfolios",
        resources=resources,
        timezone="Europe/Berlin",
    )
