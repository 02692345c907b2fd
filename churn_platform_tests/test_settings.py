"""Settings come from the environment, checked, and secrets stay such."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from churn_platform.errors import SettingsError
from churn_platform.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """Tests start without settings in the environment."""
    for name in [name for name in os.environ if name.startswith("CHURN_")]:
        monkeypatch.delenv(name)


def test_overrides_go_before_the_environment(monkeypatch, tmp_path):
    """What a caller gives wins over the environment, which wins over the default."""
    monkeypatch.setenv("CHURN_DUCKDB_THREADS", "3")
    monkeypatch.setenv("CHURN_MODEL_THREADS", "4")
    settings = load_settings(model_threads=5, data_dir=tmp_path)
    assert (settings.duckdb_threads, settings.model_threads, settings.scoring_batch_rows) == (
        3,
        5,
        50_000,
    )


def test_an_unknown_setting_is_refused(monkeypatch):
    """A typing error in a variable's name does not pass silently."""
    monkeypatch.setenv("CHURN_DATA_DIRR", "x")
    with pytest.raises(
        SettingsError, match=r"unknown setting CHURN_DATA_DIRR; known are .*CHURN_DATA_DIR,"
    ):
        load_settings()


def test_an_unusable_value_is_named(monkeypatch):
    """Every wrong value is told with its variable."""
    monkeypatch.setenv("CHURN_DUCKDB_THREADS", "many")
    monkeypatch.setenv("CHURN_FIRST_MONTH", "yesterday")
    with pytest.raises(
        SettingsError, match=r"(?s)CHURN_FIRST_MONTH='yesterday'.*CHURN_DUCKDB_THREADS='many'"
    ):
        load_settings()


@pytest.mark.parametrize(("name", "is_usable"), [("50%41", False), ("50% off?", True)])
def test_a_folder_that_mlflow_reads_as_another_is_refused(monkeypatch, tmp_path, name, is_usable):
    """MLflow undoes the quoting of an artifact's address twice."""
    monkeypatch.setenv("CHURN_DATA_DIR", str(tmp_path / name))
    if is_usable:
        assert load_settings().root == tmp_path / name
        return
    with pytest.raises(SettingsError, match=r"MLflow reads %41 in .*50%41 as 'A'.*choose a folder"):
        load_settings()


@pytest.mark.parametrize("text", ["", " ", "\t \u00a0"], ids=["empty", "blank", "blanks"])
@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_or_blank_variable_means_the_default(monkeypatch, name, text):
    """Of every setting: an empty path would be the current folder, a blank one a folder in it."""
    monkeypatch.setenv(f"CHURN_{name.upper()}", text)
    assert getattr(load_settings(), name) == Settings.model_fields[name].default


def test_an_unknown_override_is_refused():
    """A caller's typing error is refused as well."""
    with pytest.raises(SettingsError, match="CHURN_DATA_DIRR"):
        load_settings(data_dirr="x")


def test_everything_lies_under_the_data_folder(tmp_path):
    """With no other place given, all that is written has one root."""
    settings = load_settings(data_dir=tmp_path)
    places = [
        settings.landing_dir,
        settings.truth_dir,
        settings.published_dir,
        settings.extension_dir,
    ]
    assert all(place.is_relative_to(tmp_path) for place in places)
    texts = (
        settings.lake_catalog,
        settings.lake_files,
        settings.mlflow_uri,
        settings.mlflow_artifacts,
    )
    assert all(str(tmp_path) in text for text in texts)


def test_other_places_are_taken_as_given(tmp_path):
    """A catalog, files and tracking store elsewhere are used."""
    settings = load_settings(
        catalog="postgres:dbname=x",
        lake_data_path="/elsewhere/lake",
        mlflow_tracking_uri="http://x",
    )
    assert (settings.lake_catalog, settings.lake_files, settings.mlflow_uri) == (
        "postgres:dbname=x",
        "/elsewhere/lake",
        "http://x",
    )


def test_a_given_key_is_used_and_never_shown():
    """The phone-number key is the one that is set, and no text of the settings holds it."""
    settings = load_settings(phone_hash_key="s3cret" * 6)
    assert settings.hash_key() == "s3cret" * 6
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_a_short_key_is_refused_without_showing_it():
    """A key that can be guessed is refused; the message says how to make one,
    not what was given.
    """
    with pytest.raises(SettingsError, match="has 6 characters; give at least 32") as error:
        load_settings(phone_hash_key="s3cret").hash_key()
    assert "s3cret" not in str(error.value)


def test_a_made_key_is_kept(tmp_path):
    """Made once, read by its owner alone, and the same ever after, also for
    those who ask at once.
    """
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: load_settings(data_dir=tmp_path).hash_key(), range(8)))
    (path,) = (tmp_path / "secrets").iterdir()
    assert keys == {path.read_text()}
    assert len(path.read_text()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_setting_has_a_sentence():
    """Each field says what it is for."""
    assert [
        name
        for name, field in Settings.model_fields.items()
        if not (field.description or "").endswith(".")
    ] == []


@pytest.mark.parametrize(
    "name", ["DATA_DIR", "PORTFOLIOS_DIR", "SERVING_LOG_FOLDER", "SECRETS_DIR"]
)
def test_an_address_is_refused_where_a_folder_is_meant(monkeypatch, name):
    """What reads no object storage says so: the setting, its value and what is supported."""
    monkeypatch.setenv(f"CHURN_{name}", "s3://bucket/x")
    with pytest.raises(
        SettingsError, match=rf"CHURN_{name}='s3://bucket/x'.*give a folder on a disk"
    ):
        load_settings()


@pytest.mark.parametrize(
    "catalog", ["sqlite:s3://bucket/c.sqlite", "mysql:db=x password=hunter2", "catalog.ducklake"]
)
def test_a_catalog_that_is_not_supported_is_refused_without_its_password(monkeypatch, catalog):
    """SQLite on a disk and Postgres are supported; a password in the refused value is masked."""
    monkeypatch.setenv("CHURN_CATALOG", catalog)
    with pytest.raises(
        SettingsError, match=r"CHURN_CATALOG=.*sqlite:<file on a disk>.*postgres:"
    ) as told:
        load_settings()
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_passwords_in_addresses_are_secrets():
    """Neither the settings as text nor the catalog's address shows a password; the list of secrets
    has each.
    """
    catalog, uri = "postgres:dbname=l password=hunter2", "postgresql://u:swordfish@h/mlflow"
    settings = load_settings(catalog=catalog, mlflow_tracking_uri=uri)
    assert settings.lake_catalog == "postgres:dbname=l"
    assert settings.catalog_password == "hunter2"
    assert settings.secrets() == ["hunter2", "swordfish"]
    assert "hunter2" not in repr(settings) and "swordfish" not in repr(settings)


def test_the_lakes_files_may_be_in_a_store(monkeypatch):
    """By address, with or without a prefix; a slash at its end means nothing."""
    for address in ("s3://bucket", "s3://bucket/a/b/"):
        monkeypatch.setenv("CHURN_LAKE_DATA_PATH", address)
        assert load_settings().lake_files == address.rstrip("/")


@pytest.mark.parametrize(
    "address", ["gs://bucket/x", "s3://", "s3://key:hunter2@bucket/x", "s3://bucket/a//b"]
)
def test_an_address_that_no_lake_can_be_at_is_refused(monkeypatch, address):
    """With what is supported, and without the password that someone wrote into it."""
    monkeypatch.setenv("CHURN_LAKE_DATA_PATH", address)
    with pytest.raises(SettingsError, match=r"CHURN_LAKE_DATA_PATH=.*s3://bucket/prefix") as told:
        load_settings()
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("endpoint", ["http://minio:9000", "minio:9000/x", "key@minio:9000"])
def test_an_endpoint_is_a_host_and_a_port(monkeypatch, endpoint):
    """How it is spoken to is another setting."""
    monkeypatch.setenv("CHURN_STORE_ENDPOINT", endpoint)
    with pytest.raises(SettingsError, match=r"CHURN_STORE_ENDPOINT=.*CHURN_STORE_SSL"):
        load_settings()


def test_half_a_key_is_refused():
    """Whichever half; what was given is not shown."""
    for half in ({"store_key_id": "key"}, {"store_secret_key": "hunter2"}):
        with pytest.raises(
            SettingsError, match="CHURN_STORE_KEY_ID and CHURN_STORE_SECRET_KEY belong together"
        ) as told:
            load_settings(**half)
        assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"risk_webhook_url": "http://crm.example/hook"}, "must begin with https"),
        ({"risk_webhook_url": "https://crm.example/hook"}, "needs CHURN_RISK_WEBHOOK_SECRET"),
        (
            {"risk_webhook_url": "https://crm.example/h", "risk_webhook_secret": "hunter2"},
            "at least 16 characters",
        ),
    ],
)
def test_a_webhook_that_tells_of_people_is_signed_and_encrypted(given, said):
    """Neither address nor secret is shown."""
    with pytest.raises(SettingsError, match=said) as told:
        load_settings(**given)
    assert "hunter2" not in str(told.value) and "crm.example" not in str(told.value)


def test_secrets_may_be_in_files(monkeypatch, tmp_path):
    """Named like the variables, as a container gets them; a variable goes before its file."""
    secrets = {"churn_store_key_id": "key", "churn_store_secret_key": "swordfish\n"}
    secrets["churn_catalog"] = "postgres:dbname=l password=hunter2"
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("CHURN_SECRETS_DIR", str(tmp_path))
    settings = load_settings()
    assert settings.store_options.secret_key == "swordfish"
    assert settings.catalog_password == "hunter2"
    assert {"swordfish", "hunter2"} <= set(settings.secrets())
    assert "swordfish" not in f"{settings!r} {settings.store_options!r}"
    monkeypatch.setenv("CHURN_STORE_SECRET_KEY", "other")
    assert load_settings().store_options.secret_key == "other"


def test_a_folder_of_secrets_that_is_not_there_is_refused(monkeypatch, tmp_path):
    """The platform would go on without them otherwise."""
    monkeypatch.setenv("CHURN_SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"CHURN_SECRETS_DIR=.*no such folder"):
        load_settings()
