"""The commands on the lake's files."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from churn_platform.settings import Settings
from churn_platform.warehouse.damage import drop_damaged
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.cli.conftest import Churn
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

COLUMNS = {"month": "date", "x": "integer"}


def two_months(lake: Lake) -> list[Path]:
    """Make a table of two months; returns the file of each."""

    def work() -> None:
        ensure_table(connection, "s.t", COLUMNS)
        for month in (JANUARY, FEBRUARY):
            rows = f"select date '{month}' as month, range as x from range(5000)"
            replace_month(connection, "s.t", month, rows)

    with closing(connect(lake)) as connection:
        write(connection, lake, work)
        return [Path(lake.files, file.key) for file in lake_files(connection, lake)]


def test_check_lake_names_what_is_damaged_and_the_cure(churn: Churn, settings: Settings):
    """Exit code 1 while something is wrong: a missing file, and a month dropped but not written."""
    lake = Lake.of(settings)
    january, february = two_months(lake)
    sound = churn("check-lake")
    assert (sound.exit_code, sound.stdout) == (0, "2 files, 0 of the newest state damaged\n")

    january.unlink()
    february.unlink()
    drop_damaged(lake, ["s.t"], [FEBRUARY])

    found = churn("check-lake")
    assert found.exit_code == 1
    assert f"s.t of 2025-01: {january} is missing" in found.stdout
    assert "s.t of 2025-02: was dropped as damaged" in found.stdout
    assert "churn materialize s.t --month 2025-01" in found.stdout
    assert "churn materialize s.t --month 2025-02" in found.stdout


def test_commands_that_show_make_nothing_in_a_wrong_folder(
    refusal: Callable[..., str], settings: Settings, tmp_path: Path
):
    """No data folder, no extensions, no store of MLflow: the error says where to go."""
    for command in (("result", "telecomit"), ("champion", "telecomit"), ("check-lake",)):
        assert "change to the project's folder" in refusal(*command)
    assert not settings.root.exists()
