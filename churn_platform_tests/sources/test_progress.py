"""A reading that was cut short goes on where it stopped."""

from datetime import UTC, datetime, timedelta

from churn_platform.sources.progress import FRESH, Progress
from churn_platform_tests.support.own_operator import MAY

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def progress(own) -> Progress:
    """The progress of the calls as another process finds it."""
    portfolio = own.portfolio
    folder = own.folder / "landing" / "own" / "calls"
    folder.mkdir(parents=True, exist_ok=True)
    return Progress(folder, portfolio, portfolio.table("calls"))


def test_a_month_that_is_done_is_not_read_again(own):
    """By another process, until the reading has ended as a whole."""
    file = own.extract("calls").file
    progress(own).note(MAY, file, NOW)
    assert progress(own).is_done(MAY, NOW)
    progress(own).finish()
    assert not progress(own).is_done(MAY, NOW)


def test_what_changed_or_is_old_is_read_again(own):
    """The mapping, the file, or the source, which nobody can see but by reading it."""
    file = own.extract("calls").file
    progress(own).note(MAY, file, NOW)
    assert not progress(own).is_done(MAY, NOW + FRESH + timedelta(seconds=1))

    own.origin("calls")["columns"]["kind"]["levels"]["M"] = "sms"
    assert not progress(own).is_done(MAY, NOW)

    del own.origin("calls")["columns"]["kind"]["levels"]["M"]
    file.write_bytes(b"rewritten by hand")
    assert not progress(own).is_done(MAY, NOW)
