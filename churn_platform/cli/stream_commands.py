"""The command that brings events of a broker into the service of this host."""

import logging
import signal
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn_platform.cli.app import app, console
from churn_platform.errors import ChurnError
from churn_platform.streams.opening import Access, Kind, open_broker

if TYPE_CHECKING:
    from churn_platform.settings import Settings

PORT = 9109


@app.command()
def stream(
    source: Annotated[Kind, typer.Option("--from", help="Broker that the events come from.")],
    url: Annotated[
        str, typer.Option(help="Address of the service of this host.")
    ] = "http://127.0.0.1:8080",
    key_file: Annotated[Path | None, typer.Option(help="File that holds an API key.")] = None,
    group: Annotated[
        str, typer.Option(help="Group that reads; each service needs its own: churn-HOST.")
    ] = "",
    score_to: Annotated[
        str, typer.Option(help="Topic for a scored message per event; none without it.")
    ] = "",
    port: Annotated[int, typer.Option(help="Port of the metrics.")] = PORT,
    host: Annotated[str, typer.Option(help="Address of the metrics.")] = "127.0.0.1",
) -> None:
    """Bring events of customers into the service of this host, and its pushes to all others, until
    it is ended.
    """
    # Here, since every other command would pay for them at its start.
    from prometheus_client import start_http_server

    from churn_platform.published.push_outbox import PushOutbox
    from churn_platform.settings import load_settings
    from churn_platform.streams.metrics import StreamMetrics
    from churn_platform.streams.service import Service
    from churn_platform.streams.stream import Stream, Topics

    logging.basicConfig(format="%(levelname)s %(message)s")
    settings = load_settings()
    service = Service(url, key_file)
    ended = threading.Event()
    # A flag alone: the round in hand is finished first, so that nothing of it comes again.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())

    # By host: of two hosts in one group each would get a part of the events, and no host all.
    group = group or f"churn-{socket.gethostname()}"
    broker = open_broker(
        source,
        _access(settings),
        topic=settings.stream_topic,
        group=group,
    )
    metrics = StreamMetrics(clock=lambda: datetime.now(UTC).timestamp(), lag=broker.lag)
    try:
        server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    except OSError as error:
        raise ChurnError(
            f"port {port} of {host} cannot be used ({error.strerror}); "
            f"try another, `churn stream --port {port + 1}`"
        ) from error

    console.print(
        f"{settings.stream_topic} of {source.value} at {settings.stream_address} goes to {url}; "
        f"metrics at http://{host}:{port}/metrics"
    )
    topics = Topics(
        settings.stream_topic,
        settings.stream_dead_letters,
        score_to,
    )
    outbox = PushOutbox(settings.stream_outbox_dir)
    Stream(broker, service, outbox, topics, metrics, ended).run()
    server.shutdown()
    thread.join()
    broker.close()
    service.close()


def _access(settings: "Settings") -> Access:
    return Access(
        address=settings.stream_address,
        user=settings.stream_user,
        password=settings.stream_password.get_secret_value(),
        sasl=settings.stream_sasl,
        tls=settings.stream_tls,
        ca_file=settings.stream_ca_file,
    )
