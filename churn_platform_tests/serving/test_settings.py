"""Settings of the service are checked, and documented in their own words."""

from pathlib import Path

import msgspec
import pytest

from serving.errors import ServiceSettingsError
from serving.settings import PREFIX, ServiceSettings, load_settings

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def table() -> str:
    """Every setting with its default and its sentence, as docs/serving.md must hold it."""
    rows = [
        f"| `{PREFIX}{field.name.upper()}` | {_default(field.default)} | {_sentence(field.type)} |"
        for field in msgspec.structs.fields(ServiceSettings)
    ]
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def _default(value: object) -> str:
    return (
        "empty"
        if value in ("", ())
        else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    )


def _sentence(annotated: object) -> str:
    return next(meta.description for meta in annotated.__metadata__ if meta.description)  # type: ignore[attr-defined]


def test_every_setting_is_documented_in_its_own_words():
    """docs/serving.md holds the table that the settings class implies."""
    assert table() in PAGE.read_text(), f"put this into docs/serving.md:\n{table()}"


def test_settings_come_from_the_environment():
    """Texts become numbers, folders, truth values and lists."""
    given = {
        "SERVING_PORT": "90",
        "SERVING_STATE_DIR": "x",
        "SERVING_ACCESS_LOG": "true",
        "SERVING_CORS_ORIGINS": "a, b",
    }
    settings = load_settings(given)
    assert (settings.port, settings.keys_file) == (90, Path("x/keys.json"))
    assert (settings.access_log, settings.cors_origins) == (True, ("a", "b"))


def test_an_empty_variable_means_the_default():
    """Of every setting: an empty path would be the current folder."""
    for field in msgspec.structs.fields(ServiceSettings):
        for text in ("", " "):
            settings = load_settings({f"{PREFIX}{field.name.upper()}": text})
            assert getattr(settings, field.name) == field.default, field.name


def test_a_host_and_a_level_may_be_written_as_people_do():
    """localhost is the address that it stands for; the case of a level does not matter."""
    settings = load_settings({"SERVING_HOST": "localhost", "SERVING_LOG_LEVEL": "debug"})
    assert (settings.host, settings.log_level) == ("127.0.0.1", "DEBUG")
    assert load_settings({"SERVING_HOST": "::1"}).is_loopback


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"SERVING_PROT": "1"}, r"unknown setting SERVING_PROT; known are .*SERVING_PORT"),
        ({"SERVING_PORT": "0"}, r"SERVING_PORT='0'.*>= 1"),
        ({"SERVING_WORKERS": "many"}, r"SERVING_WORKERS='many'"),
        (
            {"SERVING_HOST": "nonsense"},
            r"SERVING_HOST='nonsense'.*not appear to be an IPv4 or IPv6 address",
        ),
        ({"SERVING_LOG_LEVEL": "loud"}, r"SERVING_LOG_LEVEL='loud': not one of DEBUG, INFO"),
    ],
)
def test_what_is_wrong_is_named(given, why):
    """An unknown or unusable setting stops the start, with its name and value."""
    with pytest.raises(ServiceSettingsError, match=why):
        load_settings(given)
