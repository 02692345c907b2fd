"""docs/security.md names tests that exist, and says of each threat what proves that it is met."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_named_exists():
    """One that is renamed takes the page along."""
    tests = {
        name
        for path in (ROOT / "churn_platform_tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 25
    assert named - tests == set()


def test_a_threat_that_nothing_stops_is_open():
    """It is never left without a word."""
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    unmet = [row for row in rows if row[1].strip().startswith("nothing")]
    assert len(unmet) >= 3
    assert [row[0] for row in unmet if "**open**" not in row[2]] == []
