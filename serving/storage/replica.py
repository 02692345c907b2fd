"""This host's part in a store that several hosts share: what is live comes from it, closed segments
of the prediction log and alarms of experiments go to it.

The workers know nothing of it: they follow the published folder and write the log folder of this
host, as on a single one. So an answer never waits for the store, and a store that is away changes
nothing that serves.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from churn_platform.errors import ChurnError, ObjectExistsError, StoreError
from churn_platform.published.experiment import ALARMS_DIR
from churn_platform.published.prediction_log import CLOSED_SUFFIX
from churn_platform.published.shared import INDEX, SharedPortfolio
from churn_platform.storage.opening import open_part
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import Store
from serving.errors import ServiceSettingsError
from serving.settings import ServiceSettings

# Which portfolios there are is a list of the store, what is live in each a request answered by 304.
LIST_ROUNDS = 30

logger = logging.getLogger(__name__)


class Replica:
    """Keeps the folders of this host in step with the store; used by one thread."""

    def __init__(
        self,
        *,
        published: Store,
        published_dir: Path,
        log: Store,
        log_dir: Path,
        in_step: Callable[[], object] = lambda: None,
        failed: Callable[[], object] = lambda: None,
    ):
        self._published, self._published_dir = published, published_dir
        self._log, self._log_dir = log, log_dir
        self._in_step, self._failed = in_step, failed
        self._portfolios: dict[str, SharedPortfolio] = {}
        self._shipped_alarms: set[Path] = set()
        self._rounds = 0
        self._said = ""

    def look(self) -> None:
        """Take over what is new, and ship what is closed. What fails keeps nothing else back, is
        logged once for each cause, and is tried again at the next look.
        """
        acts = [self.ship_alarms, self.ship]
        if self._rounds % LIST_ROUNDS == 0:
            acts.append(self._find_portfolios)
        self._rounds += 1
        why = [_why_not(act) for act in acts]
        for _, portfolio in sorted(self._portfolios.items()):
            why.append(_why_not(partial(portfolio.pull, prune=True)))
        told = "; ".join(filter(None, why))
        if told:
            self._failed()
        else:
            self._in_step()
        if told != self._said:
            level = logging.ERROR if told else logging.INFO
            logger.log(level, "in step with the store", extra={"fields": {"failed": told or None}})
        self._said = told

    def ship(self) -> None:
        """Move every closed segment of the log to the store."""
        for path in sorted(self._log_dir.glob(f"*/*{CLOSED_SUFFIX}")):
            try:
                self._log.upload(path, f"{path.parent.name}/{path.name}", mode="create")
            except ObjectExistsError:
                # A name holds host, process and instant: it was shipped, and a kill came before
                # the next line.
                logger.info("shipped before", extra={"fields": {"segment": path.name}})
            path.unlink(missing_ok=True)

    def ship_alarms(self) -> None:
        """Copy what the service says of experiments to the store; the files stay, since the workers
        of this host go by them.
        """
        found = set(self._log_dir.glob(f"*/{ALARMS_DIR}/*.json"))
        for path in sorted(found - self._shipped_alarms):
            self._log.upload(path, "/".join(path.relative_to(self._log_dir).parts))
            self._shipped_alarms.add(path)

    def _find_portfolios(self) -> None:
        for found in self._published.list():
            name, _, file = found.key.partition("/")
            if file == INDEX and name not in self._portfolios:
                root = self._published_dir / name
                self._portfolios[name] = SharedPortfolio(self._published, root)


def _why_not(act: Callable[[], object]) -> str | None:
    """Why an act failed; None if it did not."""
    try:
        act()
    except (ChurnError, OSError) as error:
        return str(error)
    return None


def replica_of(settings: ServiceSettings) -> Replica:
    """The replica of this service, which counts for Prometheus. ServiceSettingsError if the store's
    address cannot be one.

    To be called once `PROMETHEUS_MULTIPROC_DIR` is set: the workers add up what is counted here.
    """
    from prometheus_client import Counter, Gauge

    part = partial(
        open_part,
        settings.store,
        options=options_of(settings),
        setting="SERVING_STORE",
    )
    in_step = Gauge(
        "churn_store_in_step_timestamp_seconds",
        "When this host was last in step with the shared store.",
        multiprocess_mode="max",
    )
    failures = Counter("churn_store_failures", "Looks at the shared store that failed.")
    try:
        published, log = part("published"), part("log")
    except StoreError as error:  # nothing was asked yet: the address cannot be one
        raise ServiceSettingsError(str(error)) from error
    return Replica(
        published=published,
        published_dir=settings.published_dir,
        log=log,
        log_dir=settings.log_dir,
        in_step=in_step.set_to_current_time,
        failed=failures.inc,
    )


def options_of(settings: ServiceSettings) -> StoreOptions:
    """How the service reaches the shared store, with its credentials: not to be shown."""
    return StoreOptions(
        endpoint=settings.store_endpoint,
        region=settings.store_region,
        url_style=settings.store_url_style,
        use_ssl=settings.store_ssl,
        key_id=settings.store_key_id,
        secret_key=settings.store_secret_key,
        session_token=settings.store_session_token,
    )


def keep_in_step(replica: Replica, *, seconds: float) -> None:
    """Look again and again, in a thread that ends with its process."""

    def run() -> None:
        while True:
            time.sleep(seconds)
            replica.look()

    threading.Thread(target=run, name="replica", daemon=True).start()
