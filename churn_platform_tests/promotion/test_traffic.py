"""A challenger gets its share of the traffic, on record before it is live."""

import pytest

from churn_platform.audit.trail_file import locked
from churn_platform.errors import AuditError, PromotionError
from churn_platform.promotion.rollback import roll_back
from churn_platform.promotion.traffic import share_traffic
from churn_platform.published.live_file import direct_traffic, read_live

# What the model is matters to none of these tests: one algorithm, not each of them.
pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)


def test_an_experiment_is_on_record_before_it_is_live(publisher, serve, monkeypatch):
    """Start and end are recorded with shares and reason, the same again is not; unrecorded, nothing
    changes.
    """
    serve(1, 2)
    before = len(publisher.audit.records())
    for weight in (0.25, 0.25, 0.0):
        share_traffic(publisher, challenger=1, weight=weight, shadow=False, reason="trial")
    started, ended = publisher.audit.records()[before:]
    assert (started.action, started.subject, started.reason) == ("traffic", "version 1", "trial")
    assert started.details == {
        "live": {"version 1": ["challenger", 0.25], "version 2": ["champion", 0.75]}
    }
    assert ended.details == {"live": {"version 2": ["champion", 1.0]}}
    with monkeypatch.context() as patched, pytest.raises(AuditError):
        patched.setattr("churn_platform.audit.trail_file.WAIT_SECONDS", 0.0)
        with locked(publisher.audit.path):
            share_traffic(publisher, challenger=1, weight=0.5, shadow=False, reason="trial")
    with pytest.raises(PromotionError, match="say why"):
        share_traffic(publisher, challenger=1, weight=0.5, shadow=False, reason=" ")
    assert [model.version for model in read_live(publisher.root).models] == [2]


@pytest.mark.parametrize(
    "share", [{"weight": 0.1, "shadow": False}, {"weight": 0.0, "shadow": True}]
)
def test_a_withdrawn_version_gets_no_traffic(publisher, serve, share):
    """Nor does it score in the shadow; an experiment with it that is live all the same can be
    ended.
    """
    serve(1, 2)
    roll_back(publisher, to=None, reason="complaints")
    with pytest.raises(
        PromotionError, match=r"version 2 of .* gets no traffic: .* withdrawn \(complaints\)"
    ):
        share_traffic(publisher, challenger=2, reason="trial", **share)
    direct_traffic(publisher.root, challenger=2, **share)
    share_traffic(publisher, challenger=2, weight=0.0, shadow=False, reason="over")
    assert [model.version for model in read_live(publisher.root).models] == [1]
