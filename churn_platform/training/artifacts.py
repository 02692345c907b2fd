"""Governance's files on a version's MLflow run: what each is called, written
together, read back.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_platform.training.model_record import record_of_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

FAIRNESS_FILE, FAIRNESS_PAGE = "fairness.json", "fairness.md"
IMPORTANCE_FILE = "importance.json"
PICTURES_FOLDER = "explanations"
CARDS_FOLDER = "model_card"


def card_file(version: int, ending: str) -> str:
    """Where a version's card is on its run; two versions can share a run, so the number is part
    of it.
    """
    return f"{CARDS_FOLDER}/version_{version}.{ending}"


def log_files(client: "MlflowClient", run_id: str, files: Mapping[str, bytes | str]) -> None:
    """Put files (path on the run -> content) on a run, finished or not, in place of those of that
    name.
    """
    with tempfile.TemporaryDirectory() as folder:
        # One call for all files: a tracking server is asked once instead of once for each picture.
        for name, content in files.items():
            if isinstance(content, str):
                content = content.encode()

            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        client.log_artifacts(run_id, folder)


def read_file(client: "MlflowClient", run_id: str, name: str) -> bytes | None:
    """A file of a run; None if the run has none of that name."""
    folder = name.rpartition("/")[0]
    listed = client.list_artifacts(run_id, folder or None)
    if name not in [artifact.path for artifact in listed]:
        return None

    with tempfile.TemporaryDirectory() as target:
        downloaded = client.download_artifacts(run_id, name, target)
        return Path(downloaded).read_bytes()


def read_json(client: "MlflowClient", run_id: str, name: str) -> Any:
    """A JSON file of a run; None if there is none."""
    stored = read_file(client, run_id, name)
    return None if stored is None else json.loads(stored)


def read_pictures(client: "MlflowClient", run_id: str) -> dict[str, bytes]:
    """The PNG pictures of the model's explanations by name, the summary first."""
    paths = [artifact.path for artifact in client.list_artifacts(run_id, PICTURES_FOLDER)]
    pictures = {}
    for path in sorted(paths, key=lambda path: ("summary" not in path, path)):
        if path.endswith(".png"):
            name = path.rpartition("/")[2]
            pictures[name] = read_file(client, run_id, path) or b""

    return pictures


def find_card(client: "MlflowClient", portfolio: str, version: int, *, ending: str) -> bytes | None:
    """The card of a version as it was made; None if none was."""
    return read_file(
        client,
        record_of_version(client, portfolio, version).mlflow_run_id,
        card_file(version, ending),
    )
