"""When a folder of parts is a delivery."""

import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.landed_files import Delivery, find_delivery, landed_files, passed_over
from churn_platform.ingest.landing_folder import land_file
from churn_platform_tests.support.tiny import JANUARY


@pytest.fixture
def month(tmp_path):
    """The folder of a month with two parts and no marker."""
    folder = tmp_path / "tiny" / "calls" / "2025-01"
    folder.mkdir(parents=True)
    for name in ("part-0.csv", "part-1.csv"):
        (folder / name).write_text("a\n1\n")
    return folder


def found(month) -> Delivery:
    """What is found of the month."""
    return find_delivery(month.parents[2], "tiny", "calls", JANUARY)


def test_a_folder_waits_for_its_marker(month):
    """Until then the sensor does not see it, and a run says what is missing."""
    assert (landed_files(month.parent), passed_over(month.parent)) == ({}, [month])
    with pytest.raises(LandingError, match="2 parts and no _SUCCESS; write that file when"):
        found(month)

    (month / "_SUCCESS").touch()
    assert landed_files(month.parent) == {JANUARY: [month / "part-0.csv", month / "part-1.csv"]}
    assert passed_over(month.parent) == []
    assert found(month).name == "2025-01/ (2 parts)"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ('{"rows": {"part-0.csv": 1}}', "missing parts none, unknown parts part-1.csv"),
        (
            '{"rows": {"part-0.csv": 1, "part-1.csv": 1, "part-2.csv": 1}}',
            "missing parts part-2.csv, unknown parts none",
        ),
        ('{"rows": 2}', r"Expected `object`, got `int`.*write it as \{\"rows\""),
        ("x", r"malformed.*write it as"),
    ],
)
def test_a_manifest_must_fit(month, manifest, said):
    """Missing, unknown, and unreadable are told apart."""
    (month / "_manifest.json").write_text(manifest)
    with pytest.raises(LandingError, match=said):
        found(month)


def test_a_folder_without_parts_and_an_empty_part_are_refused(month):
    """Each with its place."""
    (month / "_SUCCESS").touch()
    (month / "part-1.csv").write_text("")
    with pytest.raises(LandingError, match=r"part-1\.csv: the file is empty"):
        found(month)
    for part in month.glob("part-*"):
        part.unlink()
    with pytest.raises(LandingError, match="no file whose name begins with part-"):
        found(month)


def test_a_file_and_a_folder_are_two_deliveries(month):
    """And a file that is landed by command replaces the folder."""
    (month / "_SUCCESS").touch()
    file = month.with_name("2025-01.csv")
    file.write_text("a\n1\n")
    with pytest.raises(LandingError, match="2 files for one month"):
        found(month)

    other = month.parents[2] / "new.csv"
    other.write_text("a\n2\n")
    land_file(other, month.parents[2], "tiny", "calls", JANUARY)
    assert found(month).path == file
