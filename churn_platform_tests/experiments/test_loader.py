"""Specs are found by the names of their files."""

import pytest
import yaml

from churn_platform.errors import ExperimentError, SpecError
from churn_platform.experiments.loader import experiment_named, load_experiments


def test_a_file_is_an_experiment_of_its_name(tmp_path, spec):
    """A missing folder has none; another name in the file, or an unknown one, is refused."""
    assert load_experiments(tmp_path / "none") == {}
    text = yaml.safe_dump(spec.model_dump(mode="json"))
    (tmp_path / "boosting.yaml").write_text(text)
    assert experiment_named(tmp_path, "boosting") == spec
    with pytest.raises(ExperimentError, match=r"no experiment 'b' in .*: boosting; write"):
        experiment_named(tmp_path, "b")

    (tmp_path / "other.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"other.yaml: name 'boosting' must be that of the file"):
        load_experiments(tmp_path)


def test_a_file_that_is_no_spec_is_named_with_its_key(tmp_path):
    """As for a portfolio."""
    (tmp_path / "a.yaml").write_text("name: a\nmost_months: none\n")
    with pytest.raises(SpecError, match=r"a.yaml: .*most_months: Input should be a valid integer"):
        load_experiments(tmp_path)
