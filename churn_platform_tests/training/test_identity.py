"""Two fits made the same model if rows and recipe are the same, wherever they were made."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from churn_platform.training.identity import data_sha256, identity_of
from churn_platform.training.training_data import Labelled, TrainingData


@dataclass
class Record:
    """A record as far as its identity asks for it."""

    data_sha256: str = "rows"
    content: dict = field(default_factory=dict)

    def as_dict(self) -> dict:
        """All that it says."""
        return {"data_sha256": self.data_sha256} | self.content


def rows(*values: float) -> Labelled:
    """A customer for each value."""
    features = np.float32([[value] for value in values])
    ids = np.array([f"C{place}" for place in range(len(values))])
    return Labelled(features, np.zeros(len(values), np.int8), ids)


DATA = TrainingData(rows(1, 2), rows(3), rows(4))


def test_the_same_rows_have_the_same_hash():
    """Made again from other arrays, also from ones that do not lie in one piece."""
    strided = np.float32([[1, 9], [2, 9]])[:, :1]
    again = TrainingData(replace(rows(1, 2), features=strided), rows(3), rows(4))
    assert data_sha256(again) == data_sha256(DATA)


@pytest.mark.parametrize(
    "other",
    [
        TrainingData(rows(2, 1), rows(3), rows(4)),
        TrainingData(rows(1, 2), rows(4), rows(3)),
        TrainingData(rows(1), rows(2, 3), rows(4)),
        replace(DATA, train=replace(DATA.train, weights=np.ones(2))),
        replace(DATA, train=replace(DATA.train, is_contacted=np.zeros(2, bool))),
        replace(DATA, train=replace(DATA.train, churned=np.int8([0, 1]))),
    ],
    ids=["order", "splits", "moved", "weights", "contacts", "labels"],
)
def test_whatever_differs_in_the_rows_is_told(other):
    """Order, split, weight, contact or label."""
    assert data_sha256(other) != data_sha256(DATA)


def test_where_and_when_a_fit_was_made_does_not_matter():
    """Run and snapshot differ, the seed does not; another seed is another model."""
    first = Record(content={"mlflow_run_id": "a", "snapshot": 1, "seed": 7})
    again = Record(content={"mlflow_run_id": "b", "snapshot": 2, "seed": 7})
    other = Record(content={"mlflow_run_id": "a", "snapshot": 1, "seed": 8})
    assert identity_of(first) == identity_of(again) != identity_of(other)


def test_without_its_rows_a_model_has_no_identity():
    """Records from before the hash was kept."""
    assert identity_of(Record(data_sha256="")) is None
