"""How good is a model on labelled customers? Pure functions of outcomes and probabilities.

Begin with `metrics.py`. `intervals.py` and `comparison.py` give bootstrap intervals, `threshold.py`
chooses the operating threshold, `segments.py` and `fairness.py` look at groups. Nothing here reads
a table or decides: `promotion/` decides, `training/` and `monitoring/` read.
"""
