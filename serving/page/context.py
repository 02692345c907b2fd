"""What every handler of the page shares: settings, read model, store, log, texts and templates."""

import json
import secrets
import socket
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.errors import ServiceSettingsError
from serving.page.bundle import Bundles
from serving.page.customers import read_phone_key
from serving.page.outcomes import OutcomeLog
from serving.page.settings import PageSettings
from serving.page.store import Store
from serving.storage.private_files import private_folder, write_privately

if TYPE_CHECKING:
    from serving.page.oidc import Provider

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Page:
    """One running page."""

    def __init__(self, settings: PageSettings):
        self.settings = settings
        self.bundles = Bundles(settings.published_dir)
        self.store = Store(settings.database)
        self.log = OutcomeLog(
            settings.outcomes_dir,
            self.store,
            worker=f"page-{socket.gethostname()}",
            max_age_seconds=settings.outcome_segment_seconds,
        )
        self.texts = read_texts(settings.language)
        self.zone = ZoneInfo(settings.time_zone)
        self.form_secret = secrets.token_bytes(32)
        self._templates = self._environment()

    @cached_property
    def provider(self) -> "Provider | None":
        """Who signs people in by OpenID Connect; None if nobody does."""
        if not self.settings.oidc_issuer:
            return None
        # Here, so that a page without a provider loads none of the libraries for it.
        from serving.page.oidc import Provider

        return Provider(self.settings)

    @cached_property
    def phone_key(self) -> str:
        """The key of the phone-number hash; empty if it is not here."""
        return read_phone_key(self.settings.phone_key_file)

    def close(self) -> None:
        """Close log and store."""
        self.log.close()
        self.store.close()

    def keep_handed_over(self, portfolio: str, month: str, content: str) -> Path:
        """Put a list into the folder of lists that were approved, in one step."""
        folder = self.settings.state_dir / "handed_over" / portfolio
        private_folder(folder)
        path = folder / f"{month}.csv"
        write_privately(path, content.encode())
        return path

    def text(self, key: str, **values: object) -> str:
        """A text of the catalogue with values in it; the key itself if the catalogue lacks it."""
        return self.texts.get(key, key).format(**values)

    def local(self, instant: datetime) -> str:
        """An instant in the operator's zone."""
        return instant.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def render(self, template: str, **values: Any) -> str:
        """A template as HTML."""
        return self._templates.get_template(template).render(now=datetime.now(UTC), **values)

    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            # A value that a template misspells is an error, not an empty place on the page.
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals |= {"t": self.text, "settings": self.settings}
        environment.filters |= {
            "local": self.local,
            "percent": percent,
            "euro": euro,
            "shown": self.shown,
            "title_of": title_of,
        }
        return environment

    def shown(self, value: object) -> str:
        """A value as people write it."""
        if value is None:
            return self.text("unknown")
        # Before the numbers: True is an int as well.
        if isinstance(value, bool):
            return self.text("yes" if value else "no")
        if isinstance(value, float):
            digits = f"{value:,.2f}"
            return digits.rstrip("0").rstrip(".")
        if isinstance(value, int):
            return f"{value:,}"

        return str(value).replace("_", " ")


def title_of(description: str) -> str:
    """A feature's description without its footnotes, which are for those who compute it."""
    return description.partition(";")[0].rstrip(".")


def percent(share: float | None, digits: int = 1) -> str:
    """A share in per cent."""
    return "-" if share is None else f"{share:.{digits}%}"


def euro(amount: float | None, digits: int = 0) -> str:
    """An amount in EUR."""
    return "-" if amount is None else f"{amount:,.{digits}f} EUR"


def read_texts(language: str) -> dict[str, str]:
    """The catalogue of a language; ServiceSettingsError if there is none."""
    path = HERE / "texts" / f"{language}.json"
    if not path.is_file():
        languages = sorted(each.stem for each in path.parent.glob("*.json"))
        known = ", ".join(languages)
        raise ServiceSettingsError(f"PAGE_LANGUAGE={language!r}: there is {known}")

    return json.loads(path.read_text(encoding="utf-8"))
