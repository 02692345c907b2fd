"""The command that serves Prometheus the metrics of the pipeline."""

import logging
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn_platform.cli.app import app, audit_log, console
from churn_platform.errors import ChurnError

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from prometheus_client import CollectorRegistry

    from churn_platform.exporter.readings import Reading
    from churn_platform.exporter.sources import Read
    from churn_platform.portfolios.spec import Portfolio
    from churn_platform.settings import Settings

PORT = 9108


@app.command()
def exporter(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve Prometheus the metrics of the pipeline, at /metrics, until it is ended."""
    from prometheus_client import generate_latest, start_http_server

    from churn_platform.settings import load_settings

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    registry = pipeline_registry(load_settings(), Path.cwd())
    # Libraries take seconds to import at the first reading, which no scrape should wait for.
    generate_latest(registry)
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise ChurnError(
            f"port {port} of {host} cannot be used ({error.strerror}); "
            f"try another, `churn exporter --port {port + 1}`"
        ) from error
    console.print(f"metrics at http://{host}:{port}/metrics")
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    ended.wait()
    server.shutdown()
    thread.join()


def pipeline_registry(settings: "Settings", home: Path) -> "CollectorRegistry":
    """The exporter's metrics. Each store is opened when it is first read, so that none must be
    there.
    """
    from prometheus_client import CollectorRegistry

    from churn_platform.exporter.collector import SourcesCollector
    from churn_platform.exporter.file_readings import read_champions, read_disks, read_landing
    from churn_platform.exporter.lake_readings import read_lake
    from churn_platform.exporter.sources import Source
    from churn_platform.portfolios.loader import load_portfolios
    from churn_platform.warehouse.lake import Lake

    def clock() -> float:
        return datetime.now(UTC).timestamp()

    def portfolios() -> "list[Portfolio]":
        return list(load_portfolios(settings.portfolios_dir).values())

    folders = {"data": settings.root, "published": settings.published_dir}
    stores: dict[str, Read] = {
        "dagster": _dagster_reader(home),
        "lake": lambda: read_lake(Lake.of(settings), portfolios()),
        "landing": lambda: read_landing(settings.landing_dir, portfolios()),
        "audit": lambda: read_champions(audit_log(settings).file(), portfolios()),
        "disk": lambda: read_disks(folders),
    }
    registry = CollectorRegistry()
    sources = [Source(name, read, clock=clock) for name, read in stores.items()]
    registry.register(SourcesCollector(sources))  # type: ignore[arg-type]
    return registry


def _dagster_reader(home: Path) -> "Read":
    """Reads the instance of a home, which is opened once."""
    instances: list[DagsterInstance] = []

    def read() -> "list[Reading]":
        from churn_platform.graph.dagster_readings import read_dagster
        from churn_platform.graph.runs import dagster_instance

        if not instances:
            instances.append(dagster_instance(home))
        return read_dagster(instances[0])

    return read
