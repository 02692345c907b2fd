"""What a person's change of champion shares: a reason, and whether scores fit the new one."""

from typing import Any

import pytest

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.errors import PromotionError
from churn_platform.promotion.publication import Publisher
from churn_platform.promotion.takeover import check_reason, live_version, scored_by_another
from churn_platform.published.live_file import go_live


@pytest.fixture
def publisher(tmp_path) -> Publisher:
    """A publisher as far as its folder goes."""
    nothing: Any = None
    return Publisher(
        client=nothing, audit=nothing, portfolio=nothing, root=tmp_path / "tiny", lake=nothing
    )


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_change_has_a_reason(reason):
    """Blanks are none; the message says where it goes."""
    with pytest.raises(PromotionError, match="--reason goes into the audit trail"):
        check_reason(reason)
    check_reason("campaign of March")


def test_before_the_first_publication_nothing_is_live(publisher):
    """Neither a version nor a month."""
    assert live_version(publisher) is None
    assert scored_by_another(publisher, 3) is None


def test_scores_of_another_version_are_named_with_their_month(publisher):
    """Those of the version itself fit."""
    given = {"portfolio": "tiny", "month": "2025-03", "features": ["usage"], "scored_by": 2}
    publish_features(publisher.root, **given, customers=[])
    go_live(publisher.root, "tiny", champion=3, features_month="2025-03")
    assert live_version(publisher) == 3
    assert scored_by_another(publisher, 3) == ("2025-03", 2)
    assert scored_by_another(publisher, 2) is None
