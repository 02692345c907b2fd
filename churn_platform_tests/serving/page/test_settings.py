"""Settings of the page: documented, typed, and refused where unknown."""

import typing
from pathlib import Path

import msgspec
import pytest

from serving.errors import ServiceSettingsError
from serving.page.__main__ import check_exposure
from serving.page.settings import PREFIX, PageSettings, load_settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "page.md"


def test_every_setting_is_documented_in_its_own_words():
    """docs/page.md holds the table that the settings class implies."""
    hints = typing.get_type_hints(PageSettings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(PageSettings):
        (said,) = [it.description for it in hints[field.name].__metadata__ if it.description]
        rows.append(f"| `{PREFIX}{field.name.upper()}` | {shown(field.default)} | {said} |")
    table = "\n".join(rows)
    assert table in DOCUMENT.read_text(), f"put this into docs/page.md:\n{table}"


def shown(default: object) -> str:
    """A default as the document writes it."""
    if default in ("", ()):
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{','.join(default)}`" if isinstance(default, tuple) else f"`{default}`"


def test_variables_are_read_and_unknown_ones_refused():
    """Lists by commas, empty ones mean the default, a time zone must exist."""
    read = load_settings({"PAGE_PORT": "9", "PAGE_FRAME_ANCESTORS": "a, b", "PAGE_LANGUAGE": " "})
    assert (read.port, read.frame_ancestors, read.language) == (9, ("a", "b"), "en")
    with pytest.raises(ServiceSettingsError, match="unknown setting PAGE_PROT"):
        load_settings({"PAGE_PROT": "9"})
    with pytest.raises(ServiceSettingsError, match="no time zone"):
        load_settings({"PAGE_TIME_ZONE": "Mars"})


@pytest.mark.parametrize("name", ["PUBLISHED_DIR", "STATE_DIR", "PHONE_KEY_FILE"])
def test_an_address_where_the_page_needs_a_disk_is_refused(name):
    """As a path it would be a folder with nothing in it."""
    with pytest.raises(ServiceSettingsError, match=f"PAGE_{name}='s3://b/x': an address is not"):
        load_settings({f"PAGE_{name}": "s3://b/x"})


def test_the_network_needs_tls():
    """Passwords must not go over a network in clear."""
    with pytest.raises(ServiceSettingsError, match="PAGE_SECURE_COOKIE"):
        check_exposure(load_settings({"PAGE_HOST": "0.0.0.0"}))


PROVIDER = {
    "PAGE_OIDC_ISSUER": "https://id.example",
    "PAGE_OIDC_CLIENT_ID": "churn",
    "PAGE_GROUP_ROLES": "call-center=agent",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PAGE_OIDC_ISSUER": "http://id.example"}, "give an address that begins with https"),
        ({"PAGE_OIDC_CLIENT_ID": ""}, "needs PAGE_OIDC_CLIENT_ID"),
        ({"PAGE_GROUP_ROLES": ""}, "PAGE_GROUP_ROLES to give groups their roles"),
        ({"PAGE_PROXY_HEADER": "x-user"}, "two ways to sign in"),
        ({"PAGE_OIDC_CLIENT_SECRET_FILE": "/nowhere"}, "PAGE_OIDC_CLIENT_SECRET_FILE='/nowhere'"),
    ],
)
def test_a_provider_that_nobody_could_sign_in_with_is_refused(changed, said):
    """At the start, with the name of the setting."""
    assert load_settings(PROVIDER).oidc_secret == ""
    with pytest.raises(ServiceSettingsError, match=said):
        load_settings(PROVIDER | changed)
