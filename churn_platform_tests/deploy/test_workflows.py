"""Workflows name targets and scripts that exist, have no more rights than they need, and take a
release back that does not answer.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn_platform_tests.support.deploy_files import DEPLOY, ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
JOBS = {
    (name, job): WORKFLOWS[name]["jobs"][job]
    for name in WORKFLOWS
    for job in WORKFLOWS[name]["jobs"]
}
KUBECTL = """#!/bin/sh
echo "kubectl $*" >> "$CALLS"
case "$*" in
*"get deployments --output jsonpath"*) printf 'scores 7\nui 3\n';;
*"get deployments --output name") echo deployment.apps/scores;;
"apply"*) exit "${APPLIED:-0}";;
esac
"""


def steps() -> list[dict[str, Any]]:
    """Every step of every job."""
    return [step for job in JOBS.values() for step in job["steps"]]


def night() -> set[str]:
    """The targets that nightly.yml asks make for, a job each."""
    listed = subprocess.run(
        ["make", "--silent", "drills"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(listed.stdout.split())


def test_there_is_a_workflow_for_each_occasion():
    """A change, a commit of main, a training that is asked for, the night."""
    assert set(WORKFLOWS) == {"pull_request", "main", "retrain", "nightly"}


def test_targets_and_scripts_exist():
    """Those of make, also in the matrix of the night, and those that are called by path."""
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    runs = "\n".join(step.get("run", "") for step in steps())
    named = set(re.findall(r"^\s*make ([a-z][a-z0-9-]*)", runs, re.MULTILINE))
    named |= night()
    assert len(named) > 20
    assert named - targets == set()
    paths = set(re.findall(r"\bdeploy/[\w/.]+\.(?:sh|py)", runs))
    assert paths == {"deploy/ci/deploy.sh", "deploy/ci/retrain.py"}
    assert all((ROOT / path).exists() for path in paths)


def test_every_slow_test_runs_at_night():
    """Each is reached by a target of make that the night finds by itself."""
    recipes = re.split(
        r"^(?=[a-z][a-z0-9-]*:)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE
    )
    found = night()
    drills = "\n".join(text for text in recipes if text.split(":")[0] in found)
    named = re.findall(r"churn_platform_tests[\w/.]*", drills)
    slow = set()
    for path in (ROOT / "churn_platform_tests").rglob("test_*.py"):
        if re.search(r"pytest\.mark\.slow[,\n]", path.read_text()):
            slow.add(path.relative_to(ROOT).as_posix())
    assert len(slow) > 20
    assert {path for path in slow if not path.startswith(tuple(named))} == set()


def test_every_action_is_pinned_by_its_commit():
    """A tag may be moved by who owns the action."""
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []


@pytest.mark.parametrize("job", JOBS, ids="/".join)
def test_a_job_has_the_rights_that_it_names_and_an_end(job):
    """The workflow gives none; what writes is the registry's push and the comment."""
    assert WORKFLOWS[job[0]]["permissions"] == {}
    writes = {right for right, how in JOBS[job]["permissions"].items() if how == "write"}
    expected = {("main", "build"): {"packages"}, ("pull_request", "comment"): {"pull-requests"}}
    assert writes == expected.get(job, set())
    assert JOBS[job]["timeout-minutes"] <= 300


def test_what_a_caller_writes_never_stands_in_a_command():
    """An expression in a script would run what it holds; it is given as a variable."""
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def deployed(folder: Path, python: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """deploy.sh in a copy of what it reads, with a kubectl that notes how it was called."""
    tools = folder / "bin"
    tools.mkdir()
    for name, text in {"kubectl": KUBECTL, "python": f"#!/bin/sh\n{python}\n"}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    for path in ("deploy/ci/deploy.sh", "deploy/k8s/hosts/kustomization.yaml"):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text((ROOT / path).read_text())
    command = ["bash", str(folder / "deploy/ci/deploy.sh"), "hosts", "registry.test/x", "abc"]
    return subprocess.run(
        [*command, "http://scores.test", str(folder / "key")],
        env={
            "PATH": f"{tools}:/usr/bin:/bin",
            "PYTHON": str(tools / "python"),
            "CALLS": str(folder / "calls"),
        }
        | variables,
        capture_output=True,
        text=True,
    )


def test_a_release_that_answers_stays(tmp_path):
    """The overlay names its images, and nothing is taken back."""
    done = deployed(tmp_path, "exit 0")
    assert done.returncode == 0, done.stderr
    overlay = yaml.safe_load((tmp_path / "deploy/k8s/hosts/kustomization.yaml").read_text())
    images = {(image["name"], image["newName"], image["newTag"]) for image in overlay["images"]}
    assert images == {
        (name, f"registry.test/x/{name}", "abc") for name in ("churn-serving", "churn-platform")
    }
    assert "undo" not in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("fails", [{"python": "exit 1"}, {"python": "exit 0", "APPLIED": "1"}])
def test_a_release_that_does_not_answer_is_taken_back(tmp_path, fails):
    """Every deployment goes back to the very revision that it had, and the job fails; one that the
    release had not reached is not taken further back.
    """
    done = deployed(tmp_path, **fails)
    assert done.returncode == 1
    assert "rolling back" in done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    undone = [call for call in calls if "undo" in call]
    assert undone == [
        "kubectl --namespace churn rollout undo deployment/scores --to-revision=7",
        "kubectl --namespace churn rollout undo deployment/ui --to-revision=3",
    ]
    assert calls[-1] == "kubectl --namespace churn rollout status deployment/ui --timeout 600s"


def test_linters_see_the_files_that_are_delivered():
    """`make workflows-check` names folders that exist."""
    assert (DEPLOY / "ci" / "actionlint.mjs").exists()
    assert (ROOT / ".hadolint.yaml").exists()
