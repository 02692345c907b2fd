"""The command `churn` itself, and what its subcommands share."""

import sys
import traceback
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.console import Console
from rich.text import Text

from churn_platform import months
from churn_platform.audit.actor import user_name
from churn_platform.cli.failures import advice, as_ours, first_line
from churn_platform.errors import ChurnError, SettingsError
from churn_platform.masking import hide
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from churn_platform.audit.audit_log import AuditLog

app = typer.Typer(
    help="Monthly churn scores from raw operator tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def literal_console(file: TextIO) -> Console:
    """A console that prints text as it is: a name or an id may look like markup or like an
    emoji.
    """
    return Console(
        file=file,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


console = literal_console(sys.stdout)

FIRST_YEAR, LAST_YEAR = 1970, 2099
MonthText = Annotated[str, typer.Option(help="Month as YYYY-MM.")]
PortfolioName = Annotated[str, typer.Argument(help="Name of the portfolio.")]


def main(command: Callable[[], object] = app) -> None:
    """Run the command; an error that can be mended ends in one line and exit code 1, a defect in a
    traceback.
    """
    # Warnings of libraries are for developers; a person at the terminal cannot act on them.
    warnings.simplefilter("ignore")
    try:
        command()
    except typer.Exit as end:
        # Of a subcommand that was called as a function: what is wrong is told already.
        sys.exit(end.exit_code)
    except Exception as error:
        told = error if isinstance(error, ChurnError) else as_ours(error)
        # What else is told blames the store that noticed a full disk.
        if helps := advice(error):
            told = ChurnError(f"{first_line(error)}; {helps}")

        shown = literal_console(sys.stderr)
        if told is None:
            shown.print(hide(traceback.format_exc(), _secrets()))
        else:
            shown.print(Text.assemble(("error", "bold red"), " ", hide(str(told), _secrets())))

        sys.exit(1)


def _secrets() -> list[str]:
    """The secrets that no error may show; none if the settings themselves are wrong, whose error
    shows none.
    """
    try:
        return load_settings().secrets()
    except SettingsError:
        return []


def audit_log(settings: Settings) -> "AuditLog":
    """The audit trail as a command writes it: under the user, dated by the clock."""
    from churn_platform.audit.audit_log import AuditLog

    return AuditLog(
        settings.audit_path,
        f"{user_name()} by command",
        lambda: datetime.now(UTC),
        settings.shared("audit"),
    )


def portfolio_named(settings: Settings, name: str) -> Portfolio:
    """The portfolio of that name; ChurnError lists those there are."""
    from churn_platform.portfolios.loader import load_portfolios

    known = load_portfolios(settings.portfolios_dir)
    if name not in known:
        raise ChurnError(
            f"no portfolio {name!r}; there are {', '.join(known)}, and `churn onboard` makes more"
        )

    return known[name]


def read_month(text: str) -> date:
    """The month written as YYYY-MM; ChurnError if it is none, or of a year that no one has data
    of.
    """
    try:
        month = months.parse_month(text)
    except ValueError as error:
        raise ChurnError(f"{text!r} is not a month; write YYYY-MM, for example 2026-01") from error

    if not FIRST_YEAR <= month.year <= LAST_YEAR:
        raise ChurnError(
            f"{text!r} is out of range; give a month from {FIRST_YEAR}-01 to {LAST_YEAR}-12"
        )

    return month


def require_partitions(settings: Settings, first: date, last: date) -> None:
    """ChurnError if the graph does not have every month from `first` to `last`."""
    newest = months.last_complete_month(datetime.now(UTC).date())
    if first < settings.first_month:
        raise ChurnError(
            f"{months.label(first)} is before the graph's first month, "
            f"{months.label(settings.first_month)}; "
            "give a later month, or set CHURN_FIRST_MONTH"
        )
    if last > newest:
        raise ChurnError(
            f"{months.label(last)} has not ended; give a month up to {months.label(newest)}"
        )
