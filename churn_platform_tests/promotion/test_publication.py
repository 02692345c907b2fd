"""What is published is on record."""

import pytest

from churn_platform.errors import PublicationError
from churn_platform.promotion.champion import changing
from churn_platform.promotion.publication import make_live, ready_bundle
from churn_platform.promotion.rollback import roll_back
from churn_platform.promotion.takeover import live_version
from churn_platform.published.format import MODEL_FILE
from churn_platform_tests.promotion.conftest import actions
from churn_platform_tests.support.invariants import invariant

# What the model is matters to none of these tests: one algorithm, not each of them.
pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)


def test_a_publication_is_on_record_with_the_threshold_it_brings(publisher, serve):
    """Version and hashes of what went live; publishing the same files again is no new fact."""
    serve(1, 2)
    publication = publisher.audit.records()[-1]
    assert actions(publisher)[2:] == [("promotion", 2), ("threshold_change", 2), ("publication", 2)]
    bundle = ready_bundle(publisher, 2)
    assert publication.details["bundle_sha256"] == bundle.sha256
    assert publication.details["model_sha256"] == bundle.manifest.sha256[MODEL_FILE]
    assert publisher.audit.records()[-2].details == {"before": 0.1, "after": 0.2}
    with changing(publisher.client, publisher.audit, publisher.portfolio.name):
        make_live(publisher, bundle, reason="again")
    assert len(actions(publisher)) == 5


@invariant("Promotion", "A run cannot publish over a rollback.")
def test_a_run_does_not_publish_over_a_rollback(publisher, serve):
    """A bundle exported before the rollback finds another champion and stays where it is."""
    serve(1, 2)
    bundle = ready_bundle(publisher, 2)
    roll_back(publisher, to=None, reason="x")
    with (
        pytest.raises(PublicationError, match=r"version 2 of .* is champion no more, version 1 is"),
        changing(publisher.client, publisher.audit, publisher.portfolio.name),
    ):
        make_live(publisher, bundle, reason="run")
    assert live_version(publisher) == 1
