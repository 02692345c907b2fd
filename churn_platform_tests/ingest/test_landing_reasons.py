"""What is waited for is said month by month."""

from dataclasses import replace
from datetime import date

from churn_platform.ingest.landing_reasons import Waiting, why_nothing

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
NOTHING = Waiting(settling=(), missing={}, early=(), refused=(), unsound=())


def said(waiting: Waiting, *taken: date) -> str:
    """The reasons of a portfolio that is looked at each minute."""
    return why_nothing("tiny", taken, waiting, interval_seconds=60)


def test_nothing_new_is_said():
    """With the newest month that was taken in, if there is one."""
    assert said(NOTHING) == "no month has landed"
    assert said(NOTHING, JANUARY, FEBRUARY) == (
        "nothing new: 2 months taken in, the newest 2025-02"
    )


def test_files_that_may_still_be_written_to_wait():
    """For a second look."""
    assert said(replace(NOTHING, settling=[JANUARY])) == (
        "2025-01 was seen, and is taken in if its files are the same in 60 s"
    )


def test_each_month_says_what_it_waits_for():
    """A table, its own end, or a person, who is told the command."""
    waiting = replace(
        NOTHING,
        missing={JANUARY: ["calls", "payments"]},
        early=[FEBRUARY],
        refused=[JANUARY],
        unsound=[FEBRUARY],
    )
    assert said(waiting) == (
        "no month has landed; 2025-01 waits for calls, payments; "
        "2025-02 waits for the month to end; "
        "2025-01 waits for you: ingest refused a file, deliver it again; "
        "2025-02 waits for you: its data contract is broken; deliver it again, or "
        "if it is right `churn accept-data tiny --month 2025-02 --reason ...`"
    )
