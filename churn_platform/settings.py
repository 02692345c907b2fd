"""Every setting of the platform, read from the environment (prefix `CHURN_`) once, at the edge.

The rest of the package is told by arguments; a few modules at the edge set variables for Dagster,
dbt and MLflow.
"""

import contextlib
import os
import re
import secrets
import subprocess
import tempfile
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from churn_platform.errors import SettingsError
from churn_platform.home import provide_home
from churn_platform.masking import MASK, masked, secrets_in, split_password
from churn_platform.sqlite_uri import sqlite_uri
from churn_platform.storage.location import is_url, why_unusable
from churn_platform.storage.opening import open_part
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import Store

PREFIX = "CHURN_"
QUOTED = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
CATALOGS = ("sqlite", "postgres")
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
WEBHOOK_SECRET_CHARACTERS = 16


class _WithoutBlanks(EnvSettingsSource):
    """The environment, where a variable that is empty or blank counts as not set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of a variable, None if the default holds."""
        text, name, is_complex = super().get_field_value(field, field_name)
        is_blank = isinstance(text, str) and not text.strip()
        return None if is_blank else text, name, is_complex


class Settings(BaseSettings):
    """Settings with a sentence each; unknown `CHURN_` variables are refused by `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        # pydantic quotes the value that was wrong, and it may be a password.
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        Path("data"), description="Folder that holds everything the platform writes."
    )
    portfolios_dir: Path = Field(
        Path("portfolios"), description="Folder with the specs of your own portfolios."
    )
    experiments_dir: Path = Field(
        Path("experiments"), description="Folder with the specs of your experiments."
    )
    first_month: date = Field(date(2025, 1, 1), description="First monthly partition of the graph.")
    catalog: SecretStr = Field(
        SecretStr(""),
        description=(
            "DuckLake catalog: empty for SQLite under data_dir, or `postgres:dbname=... host=...`."
        ),
    )
    catalog_retries: int = Field(
        30,
        ge=0,
        description="How often a commit that met another one on a Postgres catalog is tried again.",
    )
    lake_data_path: str = Field(
        "",
        description=(
            "Folder of the lake's Parquet files, or `s3://bucket/prefix`; empty for data_dir/lake."
        ),
    )
    store: str = Field(
        "",
        description=(
            "Store that several hosts share, a folder or `s3://bucket/prefix`: what is live, "
            "answers of services, the audit trail, landed files, exports; empty for one host."
        ),
    )
    store_endpoint: str = Field(
        "", description="Host and port of an S3-compatible store; empty for that of AWS."
    )
    store_region: str = Field("us-east-1", description="Region of an `s3://` store.")
    store_ssl: bool = Field(True, description="Whether the endpoint speaks HTTPS.")
    store_key_id: str = Field(
        "",
        description="Access key of the store; empty to look for credentials as AWS's own tools do.",
    )
    store_secret_key: SecretStr = Field(
        SecretStr(""), description="Secret of the store's access key."
    )
    store_session_token: SecretStr = Field(
        SecretStr(""), description="Session token of a temporary access key."
    )
    store_url_style: Literal["", "path", "vhost"] = Field(
        "",
        description=(
            "Whether the bucket is in the `path` of an address or before its host (`vhost`); "
            "empty: path with an endpoint, vhost without."
        ),
    )
    store_timeout_seconds: float = Field(
        30.0, gt=0, description="How long to wait for an answer of the store."
    )
    store_retries: int = Field(
        5, ge=0, description="How often a request to the store is tried again."
    )
    secrets_dir: str = Field(
        "",
        description=(
            "Folder with secrets in files, named like the variables in lower case, "
            "such as `churn_store_secret_key`; a variable goes before its file."
        ),
    )
    serving_log_folder: str = Field(
        "",
        description=(
            "Prediction logs of the service, a folder per portfolio; empty for "
            "data_dir/serving/log, or data_dir/serving/shipped where there is a store."
        ),
    )
    stream_address: str = Field(
        "",
        description=(
            "Brokers that `churn stream` reads: `host:port,host:port` of Kafka, or "
            "`nats://host:port`; empty: none."
        ),
    )
    stream_topic: str = Field(
        "churn.events", description="Topic, or subject, of the events of customers."
    )
    stream_dead_letters: str = Field(
        "churn.events.dead",
        description="Topic, or subject, for events that cannot be kept, with the reason.",
    )
    stream_user: str = Field("", description="User of the brokers; empty for none.")
    stream_password: SecretStr = Field(SecretStr(""), description="Password of the brokers' user.")
    stream_sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How Kafka is told user and password."
    )
    stream_tls: bool = Field(False, description="Whether the brokers speak TLS.")
    stream_ca_file: str = Field(
        "", description="Certificates to know the brokers by; empty for those of the system."
    )
    stream_outbox_folder: str = Field(
        "",
        description=(
            "Pushes that wait to be published to all hosts, as the service writes them with "
            "SERVING_SHARE_PUSHES; empty for data_dir/serving/outbox."
        ),
    )
    page_folder: str = Field(
        "",
        description=(
            "What the page keeps: outcomes that agents record, sessions, access log; "
            "empty for data_dir/page."
        ),
    )
    serving_log_months: int = Field(
        0,
        ge=0,
        description=(
            "Months of answers that the serving log keeps, that of the run and those before; "
            "0 keeps all."
        ),
    )
    mlflow_tracking_uri: SecretStr = Field(
        SecretStr(""), description="MLflow tracking store; empty for SQLite under data_dir."
    )
    phone_hash_key: SecretStr = Field(
        SecretStr(""),
        description=(
            "Secret key of the phone-number hash; empty: made once and kept in data_dir/secrets."
        ),
    )
    code_version: str = Field(
        "", description="Version written beside each model; empty: the package's and git's."
    )
    executor: Literal["in_process", "multiprocess", "ray", "k8s"] = Field(
        # Starting Python and MLflow for each step would cost seconds.
        "in_process",
        description=(
            "Where the steps of a run execute: in its own process, in processes beside it, on the "
            "Ray cluster of RAY_ADDRESS, or as pods of Kubernetes."
        ),
    )
    executor_steps: int | None = Field(
        None,
        ge=1,
        description=(
            "Most steps of a run at once, in processes or pods; empty: as many as there are cores, "
            "and any number of pods."
        ),
    )
    step_retries: int = Field(
        3,
        ge=0,
        description="How often a step is run again whose process, pod or Ray node was lost.",
    )
    duckdb_threads: int = Field(2, ge=1, description="Threads of each DuckDB connection.")
    duckdb_memory_limit: str = Field("8GB", description="Memory limit of each DuckDB connection.")
    warehouse_wait_seconds: float = Field(
        600.0, gt=0, description="How long to wait for a busy catalog."
    )
    model_threads: int = Field(2, ge=1, description="Threads for fitting and batch scoring.")
    training_rows_max: int = Field(
        2_000_000,
        ge=1_000,
        description=(
            "Most rows to fit on in memory; of more, XGBoost streams all, "
            "the others get a sample by customer."
        ),
    )
    candidates: str = Field(
        "",
        description=(
            "Candidates to train, by commas, of those that a portfolio lists; empty for all. A "
            "portfolio that lists none of them trains its own."
        ),
    )
    tuning_trials: int = Field(
        20,
        ge=0,
        description=(
            "Trials to tune a candidate with, after its sets of defaults; 0 for these alone."
        ),
    )
    tuning_seconds: float = Field(
        1_800.0, gt=0, description="Seconds after which a candidate gets no further trial."
    )
    tuning_rows_max: int = Field(
        100_000, ge=1_000, description="Most rows that a trial uses; more are sampled."
    )
    scoring_batch_rows: int = Field(50_000, ge=1_000, description="Customers scored at a time.")
    # The 99 % interval needs its 0.5 % tails: 20 of 4,000 draws on each side.
    bootstrap_replicates: int = Field(
        4_000, ge=1_000, description="Replicates of the paired bootstrap in promotion."
    )

    automation_landing: bool = Field(
        True, description="Whether months are taken in as they land; scores and drift follow."
    )
    automation_retraining: bool = Field(
        True, description="Whether a decision to retrain starts the training."
    )
    automation_rescoring: bool = Field(
        True, description="Whether a new champion scores the newest month again."
    )
    automation_schedule: bool = Field(
        True,
        description=(
            "Whether the 1st, 02:00 UTC, takes in the month that has ended; scores "
            "and drift follow."
        ),
    )
    automation_monthly_training: bool = Field(
        False,
        description=("Whether the 1st, 04:00 UTC, trains in any case; the gates judge as always."),
    )
    automation_interval_seconds: int = Field(
        30, ge=1, description="Least seconds between two looks of a sensor."
    )
    automation_answers_seconds: int = Field(
        3_600,
        ge=1,
        description=(
            "Least seconds between two times that the daemon takes in the service's answers while "
            "an experiment is live."
        ),
    )
    automation_webhook_url: SecretStr = Field(
        SecretStr(""),
        description=(
            "Secret address that is told of failed runs, drift and trainings, as for Slack; "
            "empty: none."
        ),
    )
    automation_webhook_timeout_seconds: float = Field(
        10.0, gt=0, le=20, description="How long the webhook may take to answer."
    )

    risk_webhook_url: SecretStr = Field(
        SecretStr(""),
        description=(
            "Address that is sent the ids of customers who are newly at risk, once a month; "
            "empty: none."
        ),
    )
    risk_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret that signs what is sent there."
    )
    risk_webhook_tries: int = Field(
        5, ge=1, le=20, description="How often a part is sent until it is taken."
    )

    housekeeping_schedule: bool = Field(
        True,
        description=(
            "Whether the 2nd, 03:00 UTC, removes what only the past needs, "
            "and adds up the month's cost."
        ),
    )
    housekeeping_lake_days: int = Field(
        30,
        ge=1,
        description=(
            "Days for which every state of the lake can be read again, and working files stay."
        ),
    )
    housekeeping_history_days: int = Field(
        400,
        ge=1,
        description=(
            "Days for which a version without a role can be fitted again, and runs, pages "
            "and exports stay."
        ),
    )
    housekeeping_published_months: int = Field(
        3,
        ge=1,
        description="Newest months of published look-ups that stay; what is live always does.",
    )

    cost_cpu_hour_eur: float = Field(0.045, ge=0, description="Price of a CPU for an hour, EUR.")
    cost_gb_hour_eur: float = Field(
        0.005, ge=0, description="Price of a gigabyte of memory for an hour, EUR."
    )
    cost_gb_month_eur: float = Field(
        0.10, ge=0, description="Price of a gigabyte of storage for a month, EUR."
    )
    cost_standing_month_eur: float = Field(
        80.0,
        ge=0,
        description="What runs all the time, EUR a month: the service, on 2 CPUs and 4 GB.",
    )
    cost_budget_year_eur: float = Field(
        5_000.0, gt=0, description="What infrastructure may cost in a year, EUR."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What a caller gives, then the environment, then files with secrets."""
        folder = os.environ.get(SECRETS_DIR, "").strip()
        # A folder that is not there is an error, by the check of its setting.
        files = [SecretsSettingsSource(settings_cls, folder)] if Path(folder).is_dir() else []
        return init_settings, _WithoutBlanks(settings_cls), *(files if folder else [])

    @field_validator("first_month")
    @classmethod
    def _is_a_first_day(cls, month: date) -> date:
        if month.day != 1:
            raise ValueError("give the first day of a month, for example 2025-01-01")
        return month

    @field_validator(
        "data_dir",
        "portfolios_dir",
        "experiments_dir",
        "serving_log_folder",
        "page_folder",
        "stream_outbox_folder",
        "secrets_dir",
        mode="before",
    )
    @classmethod
    def _is_on_a_disk(cls, path: object) -> object:
        if is_url(str(path)):
            raise ValueError(
                "an address is not supported; give a folder on a disk of this machine, "
                "as a plain path (CHURN_LAKE_DATA_PATH alone may be one)"
            )
        return path

    @field_validator("lake_data_path")
    @classmethod
    def _is_a_folder_or_a_store(cls, location: str) -> str:
        if is_url(location) and (problem := why_unusable(location, ("s3",))):
            raise ValueError(problem)
        return location.rstrip("/") if is_url(location) else location

    @field_validator("store_endpoint")
    @classmethod
    def _is_a_host(cls, endpoint: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]*(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", endpoint):
            raise ValueError(
                "write a host and a port alone, such as minio:9000; "
                "CHURN_STORE_SSL says whether it speaks https"
            )
        return endpoint

    @field_validator("secrets_dir")
    @classmethod
    def _is_a_folder_with_secrets(cls, folder: str) -> str:
        if folder and not Path(folder).is_dir():
            raise ValueError("there is no such folder; secrets in it would be missing")
        return folder

    @model_validator(mode="after")
    def _signs_what_it_sends(self) -> "Settings":
        url = urlsplit(self.risk_webhook_url.get_secret_value())
        if not url.geturl():
            return self
        if url.scheme != "https" and url.hostname not in LOOPBACK:
            raise ValueError("CHURN_RISK_WEBHOOK_URL must begin with https://; it tells of people")
        if len(self.risk_webhook_secret.get_secret_value()) < WEBHOOK_SECRET_CHARACTERS:
            raise ValueError(
                "CHURN_RISK_WEBHOOK_URL needs CHURN_RISK_WEBHOOK_SECRET, of at least "
                f"{WEBHOOK_SECRET_CHARACTERS} characters, or its file in CHURN_SECRETS_DIR"
            )
        return self

    @model_validator(mode="after")
    def _has_both_parts_of_a_key(self) -> "Settings":
        if bool(self.store_key_id) != bool(self.store_secret_key.get_secret_value()):
            raise ValueError(
                "CHURN_STORE_KEY_ID and CHURN_STORE_SECRET_KEY belong together; "
                "set both, or neither for credentials of the machine"
            )
        return self

    @field_validator("stream_address")
    @classmethod
    def _is_without_password(cls, address: str) -> str:
        if "@" in address:
            raise ValueError(
                "an address is shown in messages; put user and password into CHURN_STREAM_USER "
                "and CHURN_STREAM_PASSWORD"
            )
        return address

    @field_validator("catalog")
    @classmethod
    def _is_a_known_catalog(cls, catalog: SecretStr) -> SecretStr:
        kind, _, rest = catalog.get_secret_value().partition(":")
        is_known = kind in CATALOGS and rest
        if (kind and not is_known) or (kind == "sqlite" and is_url(rest)):
            raise ValueError(
                "not supported; write `sqlite:<file on a disk>` or `postgres:dbname=... host=...`"
            )

        return catalog

    @field_validator("data_dir")
    @classmethod
    def _may_be_a_folder(cls, folder: Path) -> Path:
        # The folder is made on first use, so the nearest one above it is what can be checked.
        there = next(filter(Path.exists, (folder, *folder.parents)))
        if not there.is_dir():
            raise ValueError(
                f"{there} is no folder; give a folder, which is made where it is missing"
            )

        resolved = folder.resolve()
        code = QUOTED.search(str(resolved))
        if code:
            raise ValueError(
                f"MLflow reads {code.group()} in {resolved} as {unquote(code.group())!r}, "
                "and would look for its files elsewhere; choose a folder without it"
            )

        return folder

    @field_validator("duckdb_memory_limit")
    @classmethod
    def _is_a_size(cls, size: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B?", size.strip(), re.IGNORECASE | re.ASCII):
            raise ValueError("write a number and a unit, for example 8GB or 500MiB")
        return size

    @cached_property
    def root(self) -> Path:
        """`data_dir` as an absolute path."""
        return self.data_dir.resolve()

    @property
    def landing_dir(self) -> Path:
        """Where operators put files: `<portfolio>/<table>/<YYYY-MM>.{parquet,csv,csv.gz}`."""
        return self.root / "landing"

    @property
    def truth_dir(self) -> Path:
        """Where the simulator puts the true probabilities; no asset reads it."""
        return self.root / "truth"

    @property
    def published_dir(self) -> Path:
        """The bundles that serving reads."""
        return self.root / "published"

    @property
    def serving_log_dir(self) -> Path:
        """Where the service logs its answers: `<portfolio>/<segment>.seg` once
        a segment is closed.
        """
        if self.serving_log_folder:
            return Path(self.serving_log_folder).resolve()
        # A service of this host would ship again what was fetched into its own folder.
        return self.root / "serving" / ("shipped" if self.store else "log")

    @property
    def stream_outbox_dir(self) -> Path:
        """Pushes of the service on this host that wait to be published."""
        if self.stream_outbox_folder:
            return Path(self.stream_outbox_folder).resolve()
        return self.root / "serving" / "outbox"

    @property
    def page_dir(self) -> Path:
        """What the page keeps: recorded outcomes, sessions, who looked at whom."""
        return Path(self.page_folder).resolve() if self.page_folder else self.root / "page"

    @property
    def outcome_log_dir(self) -> Path:
        """Where the page logs outcomes: `<portfolio>/<segment>.seg` once a segment is closed."""
        return self.page_dir / "outcomes"

    @property
    def exports_dir(self) -> Path:
        """Files for people and other systems, such as the contact lists."""
        return self.root / "exports"

    @property
    def audit_path(self) -> Path:
        """The audit trail of this installation."""
        return self.root / "audit" / "audit.jsonl"

    @property
    def costs_path(self) -> Path:
        """A line for every step of every run: what it used."""
        return self.root / "costs" / "steps.jsonl"

    @property
    def extension_dir(self) -> Path:
        """DuckDB extensions, installed from their wheels."""
        return self.root / "duckdb_extensions"

    @property
    def mlflow_uri(self) -> str:
        """The tracking store in use, with its credentials: not to be shown."""
        return self.mlflow_tracking_uri.get_secret_value() or sqlite_uri(self.root / "mlflow.db")

    @property
    def mlflow_artifacts(self) -> str:
        """Where new MLflow experiments keep their files."""
        return (self.root / "mlflow_artifacts").as_uri()

    @property
    def lake_catalog(self) -> str:
        """The catalog in DuckLake's own notation, without the `ducklake:` prefix and without its
        password.
        """
        return self._catalog_parts[0] or f"sqlite:{self.root / 'catalog.sqlite'}"

    @property
    def catalog_password(self) -> str:
        """The password of a Postgres catalog; empty if its setting has none."""
        return self._catalog_parts[1]

    def hand_password_to_libpq(self) -> None:
        """Set PGPASSWORD for this process and those it starts, if the catalog's setting has a
        password.
        """
        if self.catalog_password:
            # The one way that neither errors, nor dbt's profile, nor `ps` can show: the address has
            # none.
            os.environ["PGPASSWORD"] = self.catalog_password

    @property
    def _catalog_parts(self) -> tuple[str, str]:
        catalog = self.catalog.get_secret_value()
        return split_password(catalog) if catalog.startswith("postgres:") else (catalog, "")

    @property
    def store_options(self) -> StoreOptions:
        """How an S3 store is reached, with its credentials: not to be shown."""
        return StoreOptions(
            endpoint=self.store_endpoint,
            region=self.store_region,
            url_style=self.store_url_style,
            use_ssl=self.store_ssl,
            key_id=self.store_key_id,
            secret_key=self.store_secret_key.get_secret_value(),
            session_token=self.store_session_token.get_secret_value(),
            timeout_seconds=self.store_timeout_seconds,
            retries=self.store_retries,
        )

    def shared(self, part: str) -> Store | None:
        """The part of the store that holds one kind of what hosts share: `published`, `log`,
        `audit`, `landing` or `exports`; None without a store.
        """
        if not self.store:
            return None
        return open_part(self.store, part, options=self.store_options, setting="CHURN_STORE")

    def secrets(self) -> list[str]:
        """Every secret that the settings hold; none of them may be shown."""
        found = [
            self.phone_hash_key.get_secret_value(),
            self.automation_webhook_url.get_secret_value(),
            self.risk_webhook_url.get_secret_value(),
            self.risk_webhook_secret.get_secret_value(),
            self.store_secret_key.get_secret_value(),
            self.store_session_token.get_secret_value(),
            self.stream_password.get_secret_value(),
            *secrets_in(self.catalog.get_secret_value()),
            *secrets_in(self.mlflow_tracking_uri.get_secret_value()),
        ]
        return list(filter(None, found))

    @property
    def lake_files(self) -> str:
        """Where the lake's Parquet files are: a folder, or an address without its last slash."""
        return self.lake_data_path or str(self.root / "lake")

    @cached_property
    def running_code_version(self) -> str:
        """The version of the running code: as set, else the package's, with git's commit where
        there is one.
        """
        return self.code_version or f"{version('churn-platform')}{_git_commit()}"

    def hash_key(self) -> str:
        """The phone-number key, made and kept (mode 0600) where none is set.

        One of 32 characters and a number fit into one block of SHA-256; a longer key makes ingest
        of calls slower.
        """
        if key := self.phone_hash_key.get_secret_value():
            if len(key) < 32:
                raise SettingsError(
                    f"CHURN_PHONE_HASH_KEY has {len(key)} characters; give at least 32, "
                    "for example the output of `openssl rand -base64 24`"
                )
            return key

        return _kept_secret(self.root / "secrets" / "phone_hash.key")


def _git_commit() -> str:
    """'+<commit>', with '-dirty' for uncommitted changes; empty outside a git checkout."""
    # `--exclude=*` ignores tags: the version comes from the package, git adds the commit alone.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""

    return f"+{done.stdout.strip()}"


def _kept_secret(path: Path) -> str:
    """The secret in `path`, made there first where it is missing; processes or threads that race
    agree on one.
    """
    path.parent.mkdir(
        parents=True,
        exist_ok=True,
        mode=0o700,
    )
    if not path.exists():
        # A temporary file is readable by its owner alone.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
            draft.write(secrets.token_urlsafe(24))
            draft.flush()
            with contextlib.suppress(FileExistsError):
                # A link fails if another process was first, where a rename would replace its key.
                os.link(draft.name, path)

    return path.read_text().strip()


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` on top; SettingsError names what is wrong."""
    # Sees to a home folder for libraries as well, since every process of the platform begins here.
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = {name for name in os.environ if name.startswith(PREFIX)}
    # A misspelt setting would otherwise have no effect and no message.
    unknown = sorted(given - known)
    if unknown:
        raise SettingsError(
            f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )

    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = []
        for item in error.errors():
            if item["loc"]:
                name = str(item["loc"][0])
                wrong.append(_complaint(name, item["input"], item["msg"]))
            else:
                # About several settings; the input holds all of them, secrets too.
                wrong.append(item["msg"])

        raise SettingsError(f"setting not usable: {'; '.join(wrong)}") from None

    provide_home(settings.root / "home")
    return settings


def shareable_variables() -> list[str]:
    """The variables of the environment that are settings and no secret, as `NAME=value`."""
    variables = []
    for name, field in Settings.model_fields.items():
        value = os.environ.get(PREFIX + name.upper())
        if value is not None and field.annotation is not SecretStr:
            variables.append(f"{PREFIX}{name.upper()}={value}")
    return variables


def _complaint(name: str, given: object, problem: str) -> str:
    """What is wrong with a setting; of a secret that is no address nothing is quoted."""
    field = Settings.model_fields.get(name)
    is_address = name in ("catalog", "mlflow_tracking_uri")
    if field is not None and field.annotation is SecretStr and not is_address:
        return f"{PREFIX}{name.upper()}={MASK}: {problem}"
    return f"{PREFIX}{name.upper()}={masked(str(given))!r}: {problem}"
