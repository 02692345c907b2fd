"""The parts of the service without HTTP: inputs, arms, keys, rates, intervals."""

import math
import stat

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from churn_platform.portfolios.encoding import encode_row
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.published.format import PublishedFeature
from churn_platform.published.live_file import LiveModel
from churn_platform_tests.support.served_bundles import IBM_CUSTOMER
from serving.errors import BundleError, ServiceSettingsError
from serving.request.inputs import Catalogue
from serving.security.api_keys import add_key, read_keys, revoke_key
from serving.security.key_ring import KeyRing
from serving.security.rate_limit import Limiter
from serving.service_metrics import ServiceMetrics
from serving.traffic.counts import difference, wilson
from serving.traffic.split import Arms


def test_the_ibm_payload_is_read_as_it_stands(tmp_path):
    """Original column names and spellings give the encoding of the platform; a blank total is
    missing.
    """
    features = load_portfolios(tmp_path)["ibm_telco"].features
    published = tuple(
        PublishedFeature(
            f.name,
            f.type,
            f.unit,
            f.range,
            f.levels,
            f.nullable,
            None,
            f.source,
            f.description,
            f.reason,
        )
        for f in features
    )
    faults: list = []
    read = Catalogue(published).read(IBM_CUSTOMER, faults)
    row = {feature.name: IBM_CUSTOMER[feature.source] for feature in features}
    row = {
        name: {"Yes": True, "No": False}.get(v, v) if _is_truth(features, name) else v
        for name, v in row.items()
    }
    row["total_charges"] = None
    assert faults == []
    np.testing.assert_array_equal(
        np.float32([read[place] for place in range(19)]), encode_row(row, features)
    )


def _is_truth(features, name: str) -> bool:
    return next(feature.type for feature in features if feature.name == name) == "boolean"


def arms(weight: float, versions: tuple[int, ...] = (1, 2)) -> Arms:
    """A champion, and a challenger with a share."""
    named = [
        LiveModel(versions[0], "champion", 1 - weight),
        LiveModel(versions[1], "challenger", weight),
    ]

    class Loaded:
        def __init__(self, version: int):
            self.version = version

    return Arms("tiny", named, {version: Loaded(version) for version in versions}, key="k")  # type: ignore[misc]


def test_a_share_that_grows_keeps_its_customers():
    """Whoever had the challenger at a tenth has it at a half; about that share of the customers has
    it.
    """
    ids = [f"C{number}" for number in range(4000)]
    tenth, half = (
        {name for name in ids if arms(w).choose(name).role == "challenger"} for w in (0.1, 0.5)
    )
    assert tenth < half
    assert (len(tenth) / 4000, len(half) / 4000) == (
        pytest.approx(0.1, abs=0.02),
        pytest.approx(0.5, abs=0.03),
    )


def test_another_challenger_deals_anew():
    """Those who had the last challenger are not those who get the next."""
    ids = [f"C{number}" for number in range(4000)]
    second, third = (
        {n for n in ids if arms(0.5, (1, v)).choose(n).role == "challenger"} for v in (2, 3)
    )
    assert len(second & third) / len(ids) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    "named",
    [
        [LiveModel(1, "challenger", 1.0)],
        [LiveModel(1, "champion", 0.5)],
        [LiveModel(1, "champion", 1.2), LiveModel(2, "challenger", -0.2)],
        [LiveModel(1, "champion", 1.0), LiveModel(1, "shadow", 0.0)],
        [LiveModel(1, "champion", 1.0), LiveModel(2, "king", 0.0)],
    ],
)
def test_a_live_file_that_makes_no_sense_is_refused(named):
    """One champion, known roles, each version once, shares that add up."""
    with pytest.raises(BundleError, match=r"live\.json of tiny"):
        Arms("tiny", named, {}, key="k")


def test_a_key_is_kept_as_a_hash_and_found_by_its_secret(tmp_path):
    """The file holds no secret and is its owner's alone; a name is taken once; a revoked key is
    gone.
    """
    path = tmp_path / "keys.json"
    secret = add_key(path, name="crm", scopes=["score"], created_at="2026-01-01")
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring = KeyRing(path)
    assert ring.find(secret.encode()) == read_keys(path)[0]
    assert ring.find(b"churn_other") is None
    with pytest.raises(ServiceSettingsError, match="there is a key named 'crm'"):
        add_key(path, name="crm", scopes=["push"], created_at="2026-01-01")
    assert revoke_key(path, name="crm") == 0
    ring.refresh()
    assert (len(ring), ring.find(secret.encode())) == (0, None)


@pytest.mark.parametrize(
    ("name", "rate", "why"),
    [
        ("crm", 0.0, "a rate of 0.0 requests"),
        ("crm", -5.0, "a rate of -5.0"),
        ("crm", math.nan, "a rate of nan"),
        ("crm", math.inf, "a rate of inf"),
        ("", None, "cannot be named ''"),
        (" ", None, "cannot be named ' '"),
        ("a\tb", None, "printable"),
    ],
)
def test_a_key_has_a_name_and_a_rate_above_zero(tmp_path, name, rate, why):
    """Anything else is refused, and no key is made."""
    path = tmp_path / "keys.json"
    with pytest.raises(ServiceSettingsError, match=why):
        add_key(
            path, name=name, scopes=["score"], created_at="2026-01-01", requests_per_second=rate
        )
    assert read_keys(path) == []


def test_keys_stay_in_use_when_none_is_left(tmp_path, caplog):
    """Not before the first one; then also after the last was revoked, for a later process, and
    without the file.
    """
    path = tmp_path / "keys.json"
    ring = KeyRing(path)
    assert not ring.is_in_use
    add_key(path, name="crm", scopes=["score"], created_at="2026-01-01")
    ring.refresh()
    revoke_key(path, name="crm")
    assert caplog.text == ""
    ring.refresh()
    assert "CLOSED: no API key is left" in caplog.text
    assert ring.is_in_use and KeyRing(path).is_in_use
    path.unlink()
    ring.refresh()
    assert ring.is_in_use


def test_a_rate_holds_over_processes_and_recovers(tmp_path):
    """Two limiters on one file, as two workers have, let through one second's worth together, then
    the rate.
    """
    one, other = Limiter(tmp_path / "rates"), Limiter(tmp_path / "rates")
    passed = sum((one, other)[turn % 2].wait_seconds(3, 10, 100.0) == 0 for turn in range(40))
    assert passed == 10
    assert one.wait_seconds(3, 10, 100.0) == pytest.approx(0.1)
    assert other.wait_seconds(3, 10, 100.11) == 0
    assert other.wait_seconds(4, 10, 100.0) == 0


def test_a_machine_started_anew_forgets_old_rates(tmp_path):
    """A clock that began again from zero does not lock a key out."""
    Limiter(tmp_path / "rates").wait_seconds(0, 1, 1e6)
    assert Limiter(tmp_path / "rates").wait_seconds(0, 1, 5.0) == 0


def test_intervals_are_those_of_the_textbook():
    """Wilson's for 10 of 100; Newcombe's own example (1998, table II a): 56/70 against 48/80."""
    share = wilson(10, 100)
    assert (share.low, share.high) == (
        pytest.approx(0.0552, abs=1e-4),
        pytest.approx(0.1744, abs=1e-4),
    )
    gap = difference(80, 48, 70, 56)
    assert (gap.value, gap.low, gap.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )
    assert wilson(0, 0).value is None


def test_handed_over_tallies_equal_direct_observations():
    """The way around the library's `observe` gives the very same histogram, at bounds too."""
    tallied, direct = ServiceMetrics(), ServiceMetrics()
    values = [0.05, 0.050001, 0.5, 1.0, 0.0]
    counters = tallied.arm("tiny", "champion", 1, ("usage",))
    for value in values:
        counters.count(value, True, 0.001)
        direct.scores.labels("tiny", "champion", "1").observe(value)
    tallied.flush()

    def samples(metrics: ServiceMetrics) -> dict:
        parsed = text_string_to_metric_families(metrics.text().decode())
        (found,) = [metric for metric in parsed if metric.name == "churn_score"]
        return {
            (s.name, s.labels.get("le")): s.value
            for s in found.samples
            if not s.name.endswith("_created")
        }

    assert samples(tallied) == pytest.approx(samples(direct))
