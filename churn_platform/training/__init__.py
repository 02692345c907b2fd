"""From labelled months to fitted candidates and a challenger.

Begin with `data.py` (training set and hold-out) and `fit.py` (tune, fit, log). `candidates/` has a
module per algorithm. `versions.py` is the one loader of a registered version. Whether a challenger
becomes champion is decided in `promotion/`.
"""
