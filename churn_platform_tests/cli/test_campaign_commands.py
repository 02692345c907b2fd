"""The command on a contact list."""

from contextlib import closing
from pathlib import Path

import pytest

from churn_platform.audit.trail_file import read_records
from churn_platform.campaign.contact_list import COLUMNS
from churn_platform.campaign.hand_over import AWAITS_APPROVAL
from churn_platform.errors import DataError
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.cli.conftest import Churn

APPROVE = ("approve-list", "telecomit", "--month", "2025-02", "--reason", "read it")


def test_an_approved_list_is_recorded_and_exported(
    churn: Churn, settings: Settings, extensions: Path
):
    """Who approved which list, and then its files; another approval finds nothing that waits."""
    settings.root.mkdir(parents=True, exist_ok=True)
    settings.extension_dir.symlink_to(extensions)
    with closing(connect(Lake.of(settings))) as connection:
        ensure_table(connection, "telecomit.contact_list", COLUMNS)
        connection.execute(
            "insert into telecomit.contact_list "
            "(month, customer_id, role, list_rank, model_version, held_because) "
            "values ('2025-02-01', 'T1', 'contact', 1, 3, ?)",
            [AWAITS_APPROVAL],
        )
    assert "the list of 2025-02 is handed over" in churn(*APPROVE).stdout
    (record,) = read_records(settings.audit_path)
    assert (record.action, record.subject) == ("list_approval", "month 2025-02")
    assert (record.reason, record.details["contacts"]) == ("read it", 1)
    folder = settings.exports_dir / "telecomit" / "contact_list" / "2025-02"
    assert '"T1"' in (folder / "contact_list.csv").read_text()
    with pytest.raises(DataError, match="does not wait for approval"):
        churn(*APPROVE)
