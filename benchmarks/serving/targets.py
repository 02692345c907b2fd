"""What is measured: each target is a server on loopback and the bodies that it is sent."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.serving.world import World

START_SECONDS = 300
ECHO, OURS, FASTAPI, MLFLOW, MLSERVER = (
    "Litestar echo",
    "this service",
    "FastAPI",
    "mlflow serve",
    "MLServer",
)


@dataclass(frozen=True)
class Server:
    """A process that listens on `port`."""

    name: str
    command: list[str]
    port: int
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A server, a path, and the bodies to send there in turn."""

    name: str
    server: Server
    path: str
    bodies: list[str]

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.server.port}{self.path}"


def targets(world: World, *, mlserver: Path | None, workers: int = 1) -> list[Target]:
    """Every target; without an `mlserver` command that one is left out. Only ours has more than one
    worker.
    """
    by_id = [json.dumps({"customer_id": one}) for one in world.ids]
    by_features = [json.dumps(payload) for payload in world.payloads]
    names = list(world.payloads[0])
    numbers = np.nan_to_num(
        world.encoded
    ).tolist()  # MLServer's protocol and mlflow's schema take no missing value
    records = [dict(zip(names, row, strict=True)) for row in numbers]
    echo, ours = _echo(_free_port()), _ours(world, _free_port(), workers)
    found = [
        Target("echo, the id", echo, "/echo", by_id),
        Target("echo, 45 features", echo, "/echo", by_features),
        Target("ours, by id", ours, "/predict", by_id),
        Target("ours, 45 features", ours, "/predict", by_features),
        Target(
            "FastAPI, DataFrame",
            _fastapi(world, _free_port()),
            "/predict",
            [json.dumps(one) for one in records],
        ),
        Target(
            "mlflow models serve",
            _mlflow(world, _free_port()),
            "/invocations",
            [json.dumps({"dataframe_records": [one]}) for one in records],
        ),
    ]
    if mlserver:
        server = _mlserver(world, mlserver, _free_port())
        found.append(
            Target(
                "MLServer", server, "/v2/models/churn/infer", [_inference(row) for row in numbers]
            )
        )
    return found


def _inference(row: list[float]) -> str:
    """A customer in the V2 inference protocol."""
    tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
    return json.dumps({"inputs": [tensor]})


def _echo(port: int) -> Server:
    command = [
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--port",
        str(port),
        "--no-ws",
        "benchmarks.serving.echo:app",
    ]
    return Server(ECHO, [sys.executable, *command], port)


def _ours(world: World, port: int, workers: int) -> Server:
    settings = {
        "SERVING_PUBLISHED_DIR": str(world.published_dir),
        "SERVING_STATE_DIR": str(world.folder / "serving"),
        "SERVING_PORT": str(port),
        "SERVING_WORKERS": str(workers),
        "SERVING_REQUESTS_PER_SECOND": "1e9",
    }
    return Server(OURS, [sys.executable, "-m", "serving"], port, settings)


def _fastapi(world: World, port: int) -> Server:
    command = [
        "-m",
        "uvicorn",
        "benchmarks.serving.dataframe_app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    return Server(
        FASTAPI, [sys.executable, *command], port, {"BENCHMARK_BOOSTER": str(world.booster)}
    )


def _mlflow(world: World, port: int) -> Server:
    command = [
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(world.mlflow_model),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    return Server(MLFLOW, [sys.executable, *command, "--env-manager", "local"], port)


def _mlserver(world: World, mlserver: Path, port: int) -> Server:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "parallel_workers": 0,  # in the server's own process: faster for a small model
        "debug": False,
    }
    folder = world.folder / "mlserver"
    (folder / "settings.json").write_text(json.dumps(settings))
    return Server(MLSERVER, [str(mlserver), "start", str(folder)], port)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(targets: list[Target], folder: Path) -> Iterator[dict[str, int]]:
    """Every server of the targets, up and answering, as process id by name; their output goes to
    `folder`.
    """
    servers = {target.server.name: target.server for target in targets}
    processes = {name: _start(server, folder) for name, server in servers.items()}
    try:
        for target in targets:
            _wait_for(target, processes[target.server.name])
        yield {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            stop(process)


def _start(server: Server, folder: Path) -> subprocess.Popen[bytes]:
    # mlflow looks for uvicorn there
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PATH": path} | server.environment
    with (folder / f"{server.name.replace(' ', '_')}.log").open("wb") as log:
        return subprocess.Popen(
            server.command,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_for(target: Target, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(
        target.url, target.bodies[0].encode(), {"Content-Type": "application/json"}
    )
    given_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10):
                return
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise SystemExit(f"{target.name}: {error} {error.read()[:500]!r}") from error
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > given_up_at:
            raise SystemExit(
                f"{target.name}: did not start; its output is in the folder given by --folder"
            )
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and the workers that it started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
