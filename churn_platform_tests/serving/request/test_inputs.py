"""Values of a request become the encoding of the platform."""

from typing import Any

import numpy as np

from churn_platform.portfolios.encoding import encode_row
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.published.format import (
    PublishedFeature,
    model_dir,
)
from churn_platform_tests.support.served_bundles import IBM_CUSTOMER
from serving.request.inputs import Catalogue


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


def test_a_name_of_one_feature_that_is_the_source_of_another_means_itself(good):
    """A request that names `tenure` means the feature of that name, in
    whichever order they stand.
    """
    from serving.loading.bundles import Model
    from serving.request.inputs import Catalogue

    features = Model(model_dir(good, 1), portfolio="tiny", version=1).manifest.features
    confused = (features[0], type(features[1])(**_fields(features[1], source="usage")))
    assert Catalogue(confused).places["usage"] == 0


def _fields(feature: Any, **changed: Any) -> dict[str, Any]:
    return {name: getattr(feature, name) for name in feature.__struct_fields__} | changed
