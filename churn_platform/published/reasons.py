"""The one rule for reasons: which features are named as the reasons of a customer's score.

Only features that raise the risk can be a reason. The strongest feature of each group comes first,
strongest group leading, then the others: three features of one group mostly tell an agent one thing
three times. Whoever asks leaves out what is not known, and what is protected: what a person is goes
into no call.

The monthly scores use the form for many customers, the service the form for one: numpy needs some
100 us for a table of one row, more than a whole prediction. A test holds both forms to one rule.
"""

from collections.abc import Mapping, Sequence

import numpy as np

TOP = 3


def strongest(raising: np.ndarray, groups: Sequence[str], *, top: int = TOP) -> np.ndarray:
    """Places of up to `top` reasons per customer, strongest first, -1 for none: (customers, top).

    raising: (customers, features), how far each feature raises the risk; 0 or less for those that
    can be no reason. groups: of each feature.
    """
    first = _first_of_group(raising, np.array(groups))
    leading = np.where(first, raising, 0.0)
    others = np.where(first, 0.0, raising)
    rows = np.arange(len(raising))
    order = np.empty((len(raising), top), dtype=np.int64)
    for rank in range(top):
        has_leading = (leading > 0).any(axis=1, keepdims=True)
        left = np.where(has_leading, leading, others)
        best = left.argmax(axis=1)
        order[:, rank] = np.where(left[rows, best] > 0, best, -1)
        leading[rows, best] = 0.0
        others[rows, best] = 0.0

    return order


def strongest_of_one(
    raising: Mapping[int, float], groups: Sequence[str], *, top: int = TOP
) -> list[int]:
    """The same for one customer: places of up to `top` reasons, strongest first.

    raising: by place, how far a feature raises the risk; places that can be no reason are left out.
    """
    by_strength = sorted(raising, key=lambda place: (-raising[place], place))
    first: dict[str, int] = {}
    others = []
    for place in by_strength:
        if raising[place] <= 0:
            break
        # Three features of one group mostly say one thing three times.
        if groups[place] in first:
            others.append(place)
        else:
            first[groups[place]] = place

    return [*first.values(), *others][:top]


def _first_of_group(raising: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Whether a feature raises the risk most within its group, (customers, features) booleans."""
    first = np.zeros(raising.shape, dtype=bool)
    rows = np.arange(len(raising))
    for group in dict.fromkeys(groups.tolist()):
        places = np.flatnonzero(groups == group)
        best = places[raising[:, places].argmax(axis=1)]
        first[rows, best] = raising[rows, best] > 0

    return first
