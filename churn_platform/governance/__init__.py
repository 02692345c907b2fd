"""Why may people trust a version, and why does a customer have this score?

Begin with `card.py` (the model card) and `explain_customer.py` (`churn explain`). `explanations.py`
ranks features by importance, `counterfactual.py` says what would have to change. Fairness figures
are measured in `metrics/fairness.py`; the gate on them is in `promotion/rules.py`.
"""
