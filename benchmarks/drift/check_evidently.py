"""Does the benchmark's rule of Evidently say what Evidently 0.7.23 says? Compares both on windows
of several scenarios.

python -m benchmarks.drift.check_evidently
"""

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from benchmarks.drift.rules import is_column_drifted
from benchmarks.drift.world import FIRST, catalogue, months
from churn_platform.months import shift
from churn_platform.portfolios.spec import Feature

ROWS = 3_000


def ours(features: tuple[Feature, ...], before: np.ndarray, after: np.ndarray) -> set[str]:
    """Features that the benchmark's rule calls drifted."""
    columns = zip(features, before.T, after.T, strict=True)
    known = [
        (feature, one[~np.isnan(one)].astype(float), two[~np.isnan(two)].astype(float))
        for feature, one, two in columns
    ]
    return {feature.name for feature, one, two in known if is_column_drifted(feature, one, two)}


def theirs(features: tuple[Feature, ...], before: np.ndarray, after: np.ndarray) -> set[str]:
    """Features that Evidently's preset calls drifted, as it comes."""
    numbers = [feature.name for feature in features if feature.type in ("number", "integer")]
    names = [feature.name for feature in features]
    levels = [name for name in names if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=levels)
    frames = [
        pd.DataFrame(rows.astype(float), columns=names).astype(dict.fromkeys(levels, str))
        for rows in (after, before)
    ]
    sides = [Dataset.from_pandas(frame, definition) for frame in frames]
    found = Report([DataDriftPreset()], include_tests=True).run(*sides).dict()["tests"]
    failed = [test for test in found if str(test["status"]).endswith("FAIL")]
    return {
        name
        for name in names
        if any(
            f"column {name} " in f"{test['name']} {test['description']} ".lower() for test in failed
        )
    }


def main() -> None:
    """Print where both agree."""
    features = catalogue()
    agreed = compared = 0
    for scenario in ("none", "harmless_mix", "broken_feed"):
        lived = list(months(scenario, shift(FIRST, 2), customers=ROWS, count=3, seed=5))
        before, after = lived[0].features[:ROWS], lived[2].features[:ROWS]
        one, two = ours(features, before, after), theirs(features, before, after)
        agreed, compared = agreed + len(features) - len(one ^ two), compared + len(features)
        print(
            f"{scenario}: ours {len(one)}, Evidently {len(two)} drifted; only one says: "
            f"{sorted(one ^ two)}"
        )
    print(f"{agreed} of {compared} columns alike")


if __name__ == "__main__":
    main()
