"""Every metric has words and labels that Prometheus takes."""

import re

from churn_platform.exporter.readings import METRICS

NAME = re.compile(r"churn_[a-z_]+")
RESERVED = {"job", "instance", "le", "quantile"}


def test_names_and_labels_are_prometheus_own():
    """A unit at the end where there is one, a sentence each, and no label that Prometheus sets."""
    for name, (sentence, labels) in METRICS.items():
        assert NAME.fullmatch(name), name
        assert sentence.endswith("."), name
        assert not set(labels) & RESERVED, name
        assert len(set(labels)) == len(labels), name


def test_no_two_metrics_say_the_same():
    """Each sentence is its own."""
    sentences = [sentence for sentence, _ in METRICS.values()]
    assert len(set(sentences)) == len(sentences)
