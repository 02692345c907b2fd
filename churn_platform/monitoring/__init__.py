"""Does the champion still fit the world?

Begin with `decision.py` (pure: retrain, warn or stay silent, and why) and `monitored_month.py`
(what a month shows). `drift.py` measures features by effect size, `performance.py` compares matured
labels with `expected_performance.py`. A feed that is broken, rather than changed, is found in
`data_contract/`.
"""
