"""Usage is read once, noted whole, and found again."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from churn_platform.costs.usage import Meter, StepUsage, note, read_usage
from churn_platform_tests.support.tiny import JANUARY

NOTED = datetime(2025, 2, 1, tzinfo=UTC)


def usage(step: str, run: str = "a") -> StepUsage:
    """A step of January."""
    return StepUsage(run, step, "tiny", JANUARY, JANUARY, NOTED, True, 1.5, 2.5, 1_000)


def burn(seconds: float) -> None:
    """Use the CPU for a while."""
    begun = os.times()
    while sum(os.times()[:2]) - sum(begun[:2]) < seconds:
        sum(range(1_000))


def test_each_second_is_read_once():
    """What was read is not read again."""
    meter = Meter()
    meter.read()
    burn(0.3)
    cpu, wall, peak = meter.read()
    assert 0.28 <= cpu < 0.6
    assert wall >= 0.28
    assert peak > 10_000_000
    assert meter.read()[0] < 0.1


PARENT = """
import subprocess, sys
from churn_platform.costs.usage import Meter
meter = Meter()
_, _, before = meter.read()
child = f"held = bytearray({before + 400_000_000})\\nfor _ in range(10_000_000): pass"
subprocess.run([sys.executable, "-c", child], check=True)
cpu, _, peak = meter.read()
print(cpu, before, peak)
"""


def test_a_child_counts_once_it_has_ended():
    """Its seconds and its memory. In a new process: peaks never fall, and start at the parent's."""
    told = subprocess.run(
        [sys.executable, "-c", PARENT], check=True, capture_output=True, text=True
    ).stdout
    cpu, before, peak = map(float, told.split())
    assert cpu > 0.1
    assert peak > before + 400_000_000


def _read_in_child(meter: Meter, path: Path) -> None:
    cpu, *_ = meter.read()
    path.write_text(str(cpu))


def test_a_forked_process_begins_anew(tmp_path: Path):
    """What its parent has used is the parent's."""
    meter = Meter()
    burn(0.2)
    meter.read()
    child = get_context("fork").Process(target=_read_in_child, args=(meter, tmp_path / "cpu"))
    child.start()
    child.join()
    assert 0 <= float((tmp_path / "cpu").read_text()) < 0.15


def _note_many(path: Path, name: str) -> None:
    for number in range(200):
        note(path, usage(f"{name} {number}", run=name))


def test_processes_note_at_once(tmp_path: Path):
    """Every line of four processes is whole."""
    path = tmp_path / "costs" / "steps.jsonl"
    context = get_context("fork")
    processes = [
        context.Process(target=_note_many, args=(path, f"run {number}")) for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len({(each.run_id, each.step) for each in read_usage(path)}) == 800


def test_a_line_cut_short_is_left_out(tmp_path: Path):
    """The rest is read; without a file there is nothing."""
    path = tmp_path / "steps.jsonl"
    assert list(read_usage(path)) == []
    note(path, usage("first"))
    with path.open("ab") as file:
        file.write(b'{"run_id": "b", "st\n')
    note(path, usage("second"))
    assert list(read_usage(path)) == [usage("first"), usage("second")]
