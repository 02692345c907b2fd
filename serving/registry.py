"""What is live: follows each portfolio's live.json, and lets in only bundles that pass their
checks.
"""

import logging
import re
from datetime import date
from pathlib import Path

import numpy as np

from churn_platform.published.alarms import dropped_by
from churn_platform.published.experiment import Alarm, LiveExperiment
from churn_platform.published.format import (
    CHAMPION,
    CUSTOMER_ID,
    FEATURES_FILE,
    LIVE_FILE,
    MODEL_FILE,
    StoredCustomer,
    features_dir,
    model_dir,
)
from churn_platform.published.live_file import Live, LiveModel, read_live
from serving.errors import BundleError, NotFound, NotReady
from serving.loading.bundles import UNREADABLE, Features, Model, Stamp, stamp_of, stamps_of
from serving.loading.month_checks import check_month
from serving.service_metrics import ServiceMetrics
from serving.storage.private_copy import remove_other_copies
from serving.traffic.split import Traffic

# A refused bundle is tried again: the cause may be outside, such as a full disk.
RETRY_ROUNDS = 30
MONTH = re.compile(r"\d{4}-\d{2}")
Signature = tuple[object, ...]

logger = logging.getLogger(__name__)


class ServedPortfolio:
    """One consistent state of a portfolio: models and the month of features that belong together.
    Never changed.

    dropped: why the challenger of the experiment in live.json gets no traffic, if it does not.
    """

    def __init__(
        self,
        root: Path,
        live: Live,
        models: dict[int, Model],
        features: Features | None,
        *,
        key: str,
        dropped: Alarm | None = None,
    ):
        self.name = root.name
        self.dropped = dropped
        self._key = key
        self.root = root
        self.live = live
        self.models = models
        self.features = features
        self.traffic = _traffic(root.name, live, models, key=key, is_dropped=dropped is not None)
        champion = self.traffic.champion.model.manifest
        self.id_column = champion.id_column
        self.as_of = _end_of(self.features_month or champion.holdout_month)

        known: set[str] = set()
        unused: set[str] = set()
        self._places = {}
        stored = features.manifest.features if features else ()
        for version, model in models.items():
            known.update(model.catalogue.places)
            unused.update(model.manifest.unused_columns)
            self._places[version] = _places(model.catalogue.names, stored)

        self.known_names = frozenset(known)
        self.request_names = frozenset(known | unused | {CUSTOMER_ID, self.id_column})

    @property
    def features_month(self) -> str | None:
        """The month whose features are looked up."""
        return self.features.month if self.features else None

    @property
    def scored_by(self) -> int | None:
        """The version whose scores are stored beside the features."""
        return self.features.manifest.scored_by if self.features else None

    @property
    def experiment(self) -> LiveExperiment | None:
        """The experiment that live.json names, also where its challenger was dropped."""
        return self.live.experiment

    def without_challenger(self, dropped: Alarm) -> "ServedPortfolio":
        """The same state with the champion alone."""
        return ServedPortfolio(
            self.root, self.live, self.models, self.features, key=self._key, dropped=dropped
        )

    def vector(self, model: Model, customer: StoredCustomer) -> tuple[np.ndarray, tuple[str, ...]]:
        """The customer's features as the model takes them, and the names of those that the month
        does not hold.
        """
        places = self._places[model.version]
        if places is None:
            return customer.features, ()

        held = places >= 0
        vector = np.where(held, customer.features[places], model.catalogue.defaults)
        return vector, tuple(
            name for name, is_held in zip(model.catalogue.names, held, strict=True) if not is_held
        )


def _traffic(
    name: str, live: Live, models: dict[int, Model], *, key: str, is_dropped: bool
) -> Traffic:
    if is_dropped:
        champion = next(model for model in live.models if model.role == CHAMPION)
        return Traffic(name, [LiveModel(champion.version, CHAMPION, 1.0)], models, key=key)
    return Traffic(name, live.models, models, key=key, experiment=live.experiment)


def _end_of(month: str) -> date:
    """The first day after a month 'YYYY-MM', to which the days of a request's dates are counted."""
    year, number = (int(part) for part in month.split("-")[:2])
    return date(year + number // 12, number % 12 + 1, 1)


def _places(wanted: tuple[str, ...], stored: tuple[str, ...]) -> np.ndarray | None:
    """Where each wanted feature is stored, -1 for nowhere; None if both agree in order."""
    if wanted == stored:
        return None
    return np.array(
        [stored.index(name) if name in stored else -1 for name in wanted], dtype=np.intp
    )


class Registry:
    """The portfolios that are served. `refresh` may run in a thread: readers get the old state or
    the new one.

    log_dir: where workers say that they have dropped a challenger; None to ask nowhere.
    """

    def __init__(
        self,
        published_dir: Path,
        *,
        copies_dir: Path,
        default: str,
        traffic_key: str,
        metrics: ServiceMetrics,
        log_dir: Path | None = None,
    ):
        self._published_dir = published_dir
        self._copies_dir = copies_dir
        self._default = default
        self._key = traffic_key
        self._metrics = metrics
        self._log_dir = log_dir
        self._portfolios: dict[str, ServedPortfolio] = {}
        self._tried: dict[str, tuple[Signature, int]] = {}
        self.refusals: dict[str, str] = {}
        self.generation = 0  # another one for each state taken live

    @property
    def served(self) -> list[str]:
        """Names of the portfolios that are served."""
        return sorted(self._portfolios)

    @property
    def default(self) -> str:
        """Name of the portfolio that answers at the root once it is served; empty while none is
        known.
        """
        return self._default or min(self._portfolios, default="")

    @property
    def shown(self) -> ServedPortfolio:
        """The portfolio that examples are of: the default one where it is served; at least one
        must be.
        """
        served = self.served
        return self._portfolios[self.default if self.default in served else served[0]]

    def summary(self) -> dict[str, dict[str, object]]:
        """Per portfolio, which version has which role, and the month of features."""
        summaries: dict[str, dict[str, object]] = {}
        for name, portfolio in self._portfolios.items():
            summaries[name] = {
                "models": {str(share.model.version): share.role for share in portfolio.traffic.all},
                "features_month": portfolio.features_month,
            }

        return summaries

    def get(self, name: str | None) -> ServedPortfolio:
        """The portfolio of that name, or the default one; NotReady or NotFound."""
        wanted = name or self.default
        found = self._portfolios.get(wanted)
        if found is None:
            self._raise_missing(name, wanted)
        return found  # type: ignore[return-value]

    def _raise_missing(self, name: str | None, wanted: str) -> None:
        if name and name not in self.refusals and name != self._default:
            raise NotFound(
                f"no portfolio {name[:80]!r}; there are {', '.join(self.served) or 'none yet'}"
            )

        raise NotReady(
            f"no checked model is loaded{f' for {wanted}' if wanted else ''}: "
            f"{self._why_missing(wanted)}"
        )

    def _why_missing(self, wanted: str) -> str:
        if wanted in self.refusals:
            return self.refusals[wanted]
        if self.served:
            return (
                "nothing of that name is published, set SERVING_DEFAULT_PORTFOLIO to one of "
                f"{', '.join(self.served)}"
            )

        if self.refusals:
            told = []
            for name, why in sorted(self.refusals.items()):
                told.append(f"{name} is refused: {why}")

            return "; ".join(told)

        return f"nothing is published in {self._published_dir}; run `make demo` first"

    def refresh(self) -> None:
        """Load what has changed since the last time; what fails is refused alone and leaves its old
        state.
        """
        for root in _published(self._published_dir):
            try:
                self._follow(root)
            except Exception as error:  # a fault of one portfolio must not touch the others
                self._refuse(root.name, error)

    def drop(self, name: str, alarm: Alarm) -> None:
        """Give the champion the challenger's customers, as long as live.json names that start of
        the experiment.
        """
        current = self._portfolios[name]
        experiment = current.experiment
        if experiment is None or experiment.start_id != alarm.start_id or current.dropped:
            return

        self._portfolios = {**self._portfolios, name: current.without_challenger(alarm)}
        self.generation += 1

    def _follow(self, root: Path) -> None:
        # Stamps of the files, not of live.json alone: a bundle may be replaced under its own name.
        name = root.name
        # Stamps of the files, not of live.json alone: a bundle may be replaced under its own name.
        signature = _signature(root)
        tried, rounds = self._tried.get(name, ((), 0))
        is_retry = name in self.refusals and rounds >= RETRY_ROUNDS
        if signature == tried and not is_retry:
            self._tried[name] = (tried, rounds + 1)
            return

        self._tried[name] = (signature, 0)
        self._load(root)

    def _refuse(self, name: str, error: Exception) -> None:
        is_ours = isinstance(error, BundleError)
        why = f"it cannot be loaded: {type(error).__name__}: {error}"
        if is_ours:
            why = str(error)

        self.refusals = {**self.refusals, name: why}
        self._metrics.refused.labels(name).inc()
        if not is_ours:
            self._metrics.reload_failures.labels(name).inc()

        shown = {"portfolio": name, "why": why}
        cause = None if is_ours else error
        logger.error("bundle refused", extra={"fields": shown}, exc_info=cause)

    def _load(self, root: Path) -> None:
        name = root.name
        copies = self._copies_dir / name
        fresh = load_portfolio(root, self._portfolios.get(name), key=self._key, copies=copies)
        # Before it is live: a worker that starts must not try again what another has dropped.
        if self._log_dir is not None:
            dropped = dropped_by(self._log_dir / name, fresh.experiment)
            fresh = fresh.without_challenger(dropped) if dropped else fresh

        versions = {}
        for share in fresh.traffic.all:
            model = share.model
            versions[share.role] = model.version
            self._metrics.counters_of(fresh.name, share.role, model.version, model.catalogue.names)

        # A new dictionary each time: a request that reads meanwhile has the old one, whole.
        self._portfolios = {**self._portfolios, name: fresh}
        self.generation += 1
        self.refusals = {other: why for other, why in self.refusals.items() if other != name}
        self._metrics.reloads.labels(name).inc()
        shown = {
            "portfolio": name,
            "models": versions,
            "features_month": fresh.features_month,
        }
        logger.info("live", extra={"fields": shown})
        # Last: until the new state is live a request may still open the old copy.
        remove_other_copies(copies, fresh.features.sha256 if fresh.features else None)


def load_portfolio(
    root: Path, current: ServedPortfolio | None, *, key: str, copies: Path
) -> ServedPortfolio:
    """The state that live.json names, checked; parts that have not changed are taken over.
    BundleError if any fails.

    copies: folder for the service's own copies of the portfolio's look-ups.
    """
    try:
        live = read_live(root)
    except UNREADABLE as error:
        raise BundleError(f"{root / LIVE_FILE}: cannot be read: {error}") from error

    if live is None or not live.models:
        raise BundleError(f"{root / LIVE_FILE} names no model; train and publish one first")
    if live.portfolio != root.name:
        raise BundleError(f"{root / LIVE_FILE} is of portfolio {live.portfolio!r}")

    # All or none: half an experiment would send customers to a model that is not there.
    models = {named.version: _model(root, named.version, current) for named in live.models}
    features = (
        _features(root, live.features_month, current, copies) if live.features_month else None
    )
    if features is not None:
        check_month(features, models, _scorer(root, features.manifest.scored_by, models, current))

    return ServedPortfolio(root, live, models, features, key=key)


def _features(root: Path, month: str, current: ServedPortfolio | None, copies: Path) -> Features:
    if not MONTH.fullmatch(month):
        raise BundleError(
            f"{root / LIVE_FILE}: the month of features is {month[:40]!r}; it must be as '2025-02'"
        )

    folder = _resolved(features_dir(root, month))
    loaded = current.features if current else None
    if loaded and loaded.folder == folder and loaded.stamps == stamps_of(folder, FEATURES_FILE):
        return loaded

    return Features(
        folder,
        portfolio=root.name,
        month=month,
        copies=copies,
    )


def _scorer(
    root: Path, version: int, models: dict[int, Model], current: ServedPortfolio | None
) -> Model | None:
    """The version that made the stored scores; None if it is not live and its bundle is not
    whole any more.
    """
    if version in models:
        return models[version]
    try:
        return _model(root, version, current)
    except BundleError:
        return None


def _model(root: Path, version: int, current: ServedPortfolio | None) -> Model:
    folder = _resolved(model_dir(root, version))
    loaded = current.models.get(version) if current else None
    if loaded and loaded.folder == folder and loaded.stamps == stamps_of(folder, MODEL_FILE):
        return loaded
    return Model(folder, portfolio=root.name, version=version)


def _resolved(folder: Path) -> Path:
    """The folder behind the link, so that a republication during the checks is not mixed with what
    was before.
    """
    try:
        return folder.resolve(strict=True)
    except OSError as error:
        raise BundleError(f"{folder} is named live but is not there") from error


def _published(published_dir: Path) -> list[Path]:
    if not published_dir.is_dir():
        return []
    return sorted(path for path in published_dir.iterdir() if _has_live_file(path))


def _has_live_file(root: Path) -> bool:
    """Whether a folder is a portfolio's."""
    # One that cannot be looked into is taken for one, so that it is refused by name.
    try:
        return (root / LIVE_FILE).is_file()
    except OSError:
        return True


def _signature(root: Path) -> Signature:
    """Changes whenever live.json, or a file of a bundle that it names, is another one."""
    try:
        live = read_live(root)
    except UNREADABLE:
        live = None

    stamps: list[Stamp] = [stamp_of(root / LIVE_FILE)]
    for model in live.models if live else ():
        stamps += stamps_of(model_dir(root, model.version), MODEL_FILE)

    if live and live.features_month:
        stamps += stamps_of(features_dir(root, live.features_month), FEATURES_FILE)

    return tuple(stamps)
