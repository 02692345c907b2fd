"""An erased customer leaves what the page keeps, while it runs."""

import duckdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.page_files import erase_from_state
from churn_platform.erasure.search import find
from churn_platform_tests.support.outcomes import outcome
from serving.page.access_log import Access, note_access
from serving.page.store import Store

SUBJECT = ErasedCustomer("tiny", "C0000001", (), {})


def test_access_log_lists_and_outcomes_lose_the_customer(tmp_path):
    """Others stay; no file of the page names the customer, the database's log of changes
    included.
    """
    store = Store(tmp_path / "page.sqlite")
    for place, customer_id in enumerate(("C0000001", "C0000002")):
        note_access(
            tmp_path / "access",
            Access("2026-11-29T10:00:00+00:00", "ann", "view", "tiny", customer_id),
        )
        store.put_outcome(outcome(outcome_id=f"o{place}", customer_id=customer_id))
    handed_over = tmp_path / "handed_over" / "tiny" / "2026-10.csv"
    handed_over.parent.mkdir(parents=True)
    handed_over.write_text("list_rank,customer_id\n1,C0000001\n2,C0000002\n")
    changed = erase_from_state(tmp_path, SUBJECT)
    assert {path.name for path in changed} == {"2026-11.jsonl", "2026-10.csv", "page.sqlite"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    with duckdb.connect() as connection:
        assert find(connection, files, SUBJECT) == {}
    assert store.outcomes("tiny", "C0000001") == []
    assert len(store.outcomes("tiny", "C0000002")) == 1
    assert "C0000002" in handed_over.read_text()
    store.close()
