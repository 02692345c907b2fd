"""The same code on a Postgres catalog, by setting alone."""

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.invariants import invariant

MONTH = date(2025, 1, 1)
WRITERS, REPLACEMENTS = 4, 5


@pytest.fixture(scope="module")
def graph(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph whose catalog is on Postgres."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_CATALOG", postgres)
        yield Graph(tmp_path_factory.mktemp("graph"))


@invariant("Time and data", "A Postgres catalog needs a setting and no code.")
def test_the_graph_runs_on_a_postgres_catalog(graph: Graph) -> None:
    """Landed files become features in one run; nothing but CHURN_CATALOG differs."""
    config = SimulationConfig(customers=300, months=2, seed=1, calls_per_customer=5)
    simulate(config, graph.settings.landing_dir, graph.settings.truth_dir)
    graph.run("telecomit_features", MONTH, date(2025, 2, 1))
    assert graph.query("select count(*) from telecomit.customer_features") == [(600,)]
    assert not (graph.folder / "catalog.sqlite").exists()


def replace_often(lake: Lake, month: date) -> None:
    """One writer process: replace a month several times."""
    with closing(connect(lake)) as connection:
        select = f"select date '{month}' as month, range as value from range(1000)"
        for _ in range(REPLACEMENTS):
            write(
                connection, lake, lambda: replace_month(connection, "shared.numbers", month, select)
            )


def test_several_processes_write_at_once(graph: Graph) -> None:
    """Four writers on one table lose nothing and need no turn-taking."""
    lake = graph.lake
    with closing(connect(lake)) as connection:
        columns = {"month": "date", "value": "bigint"}
        write(connection, lake, lambda: ensure_table(connection, "shared.numbers", columns))
    months = [date(2025, number, 1) for number in range(1, WRITERS + 1)]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=replace_often, args=(lake, month)) for month in months]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    with closing(connect(lake, read_only=True)) as connection:
        found = connection.execute(
            "select month, count(*) from shared.numbers group by month order by month"
        ).fetchall()
    assert found == [(month, 1000) for month in months]
