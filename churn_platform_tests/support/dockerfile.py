"""Reads the Dockerfile, and carries a target out in a folder where no Docker engine is at hand.

The folder stands for the image's root: absolute paths of the image that instructions name are moved
into it. Of what wants root rights in a container, installing system packages and adding the user,
nothing is done.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

IMAGE_PATHS = r"(?<![\w./-])/(?=(?:venv|app)\b)"
AS_ROOT = ("apt-get", "useradd")


@dataclass(frozen=True)
class Stage:
    """A stage: its name, what it starts from, and its instructions in order as (word, rest)."""

    name: str
    base: str
    instructions: list[tuple[str, str]]

    def last(self, word: str) -> str | None:
        """The rest of the last instruction of that word."""
        return next((rest for found, rest in reversed(self.instructions) if found == word), None)


def read_stages(dockerfile: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.split()
            stages[name] = Stage(name, Template(base).substitute(arguments), [])
        elif word == "ARG" and not stages:
            argument, _, default = rest.partition("=")
            arguments[argument] = default
        elif word:
            list(stages.values())[-1].instructions.append((word, rest.strip()))
    return stages


def lineage(stages: dict[str, Stage], name: str) -> list[Stage]:
    """A stage and those that it starts from, the first one first."""
    found = [stages[name]]
    while found[0].base in stages:
        found.insert(0, stages[found[0].base])
    return found


@dataclass
class Build:
    """A target carried out under `root`; `environment` is what a container of it would have."""

    root: Path
    context: Path
    environment: dict[str, str]
    command: list[str]
    healthcheck: list[str]

    def inside(self, text: str) -> str:
        """The text with paths of the image moved under the root."""
        return re.sub(IMAGE_PATHS, f"{self.root}/", text)


def build(dockerfile: Path, target: str, root: Path) -> Build:
    """Carry out a target and the stages that it copies from; CalledProcessError where an
    instruction fails.
    """
    stages = read_stages(dockerfile)
    subprocess.run(
        [sys.executable, "-m", "venv", str(root / "python")], check=True
    )  # what the base image brings
    (root / "app" / "data").mkdir(parents=True)
    for name in stages_to_carry_out(stages, target):
        built = Build(root, dockerfile.parent, _base_environment(root), [], [])
        for stage in lineage(stages, name):
            for word, rest in stage.instructions:
                _carry_out(built, word, rest)
    return built


def stages_to_carry_out(stages: dict[str, Stage], target: str) -> list[str]:
    """A target after the stages that it copies from, each once however often it does."""
    copied_from = []
    for _, rest in stages[target].instructions:
        if found := re.match(r"--from=(\S+)", rest):
            copied_from.append(found[1])
    return [*dict.fromkeys(copied_from), target]


def _base_environment(root: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("HOME", "TMPDIR") or "INDEX_URL" in name
    }
    kept |= {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or "CERT" in name
    }
    return kept | {"PATH": f"{root / 'python' / 'bin'}:/usr/bin:/bin"}


def _carry_out(built: Build, word: str, rest: str) -> None:
    match word:
        case "ENV":
            for item in shlex.split(built.inside(rest)):
                name, _, value = item.partition("=")
                built.environment[name] = re.sub(
                    r"\$(\w+)", lambda found: built.environment.get(found[1], ""), value
                )
        case "COPY":
            _copy(built, rest)
        case "RUN":
            if not rest.startswith(AS_ROOT):
                run = ["/bin/sh", "-ec", built.inside(rest)]
                subprocess.run(run, cwd=built.root / "app", env=built.environment, check=True)
        case "CMD":
            built.command = [built.inside(part) for part in json.loads(rest)]
        case "HEALTHCHECK":
            built.healthcheck = [
                built.inside(part) for part in json.loads(rest.split("CMD ", 1)[1])
            ]
        case "WORKDIR" | "USER" | "EXPOSE" | "VOLUME" | "ARG" | "LABEL" | "ENTRYPOINT":
            pass
        case _:
            raise NotImplementedError(f"{word}: say in {__name__} what it does")


def _copy(built: Build, rest: str) -> None:
    """Copy from the context as .dockerignore leaves it; what another stage made is under the same
    root already.
    """
    *sources, target = rest.split()
    if sources[0].startswith("--from="):
        return
    allowed = allowed_in_context(built.context)
    for source in sources:
        if source not in allowed:
            raise FileNotFoundError(f"COPY {source}: .dockerignore keeps it out of the context")
        goal = built.root / "app" / (target if target != "./" else source)
        if (built.context / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "target", "logs")
            shutil.copytree(built.context / source, goal, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(built.context / source, goal)


def allowed_in_context(context: Path) -> set[str]:
    """What .dockerignore lets into the context, as it names it."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {line[1:] for line in lines if line.startswith("!")} if "*" in lines else set()
