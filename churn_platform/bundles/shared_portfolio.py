"""A portfolio's published folder as the settings say that hosts share it."""

from churn_platform.published.live_file import Live, read_live
from churn_platform.published.shared import SharedPortfolio
from churn_platform.settings import Settings


def shared_portfolio(settings: Settings, portfolio: str) -> SharedPortfolio | None:
    """By what other hosts get what this one publishes; None without a store."""
    store = settings.shared("published")
    return SharedPortfolio(store, settings.published_dir / portfolio) if store else None


def live_now(settings: Settings, portfolio: str) -> Live | None:
    """What is live in a portfolio, whichever host named it; None before the first publication."""
    if shared := shared_portfolio(settings, portfolio):
        shared.pull()
    return read_live(settings.published_dir / portfolio)
