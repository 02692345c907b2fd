"""Which model answers which customer, and how often did it?

Begin with `split.py`: a customer always meets the same model. `experiment_counts.py` counts answers
per model, `counts.py` compares them. Weights are set by `churn traffic`
(`churn_platform/promotion/traffic.py`).
"""
