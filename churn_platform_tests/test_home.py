"""The platform works on machines that give no home folder, or none that can be written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from churn_platform.audit import actor
from churn_platform.audit.actor import user_name

# What broke without a home: a DuckLake, dbt's import and matplotlib's folder.
USE_LIBRARIES = """
import json, os, sys
from churn_platform.settings import load_settings
settings = load_settings(data_dir=sys.argv[1])
from churn_platform.warehouse.lake import Lake, connect
with connect(Lake.of(settings)) as connection:
    query = "select count(*) from duckdb_tables() where database_name = 'lake'"
    tables = connection.execute(query).fetchone()[0]
import dbt.cli.main
import matplotlib
home, pictures = os.environ["HOME"], matplotlib.get_configdir()
print(json.dumps({"tables": tables, "home": home, "matplotlib": pictures}))
"""
UNLISTED = "import pwd\npwd.getpwuid = lambda uid: {}[uid]\n"  # as for a user number without a name


@pytest.mark.parametrize(("home", "before"), [(None, ""), (None, UNLISTED), ("/proc/nowhere", "")])
def test_libraries_work_without_a_home(
    tmp_path: Path, extensions: Path, home: str | None, before: str
) -> None:
    """Without HOME, or with one that cannot be written, they keep their files in the data folder or
    a real home.
    """
    (tmp_path / "duckdb_extensions").symlink_to(extensions)
    given = {
        name: value for name, value in os.environ.items() if name not in ("HOME", "MPLCONFIGDIR")
    }
    environment = given | ({} if home is None else {"HOME": home})
    command = [sys.executable, "-c", before + USE_LIBRARIES, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tables"] == 0
    assert found["home"]
    assert Path(found["matplotlib"]).is_dir()
    if home:
        assert found["home"] == home
        assert found["matplotlib"] == str(tmp_path / "home" / "matplotlib")


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit trail names whoever acts, also where the system has no name for them."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(actor.getpass, "getuser", unknown)
    monkeypatch.setattr(actor.os, "getuid", lambda: 12345)
    assert user_name() == "uid 12345"
