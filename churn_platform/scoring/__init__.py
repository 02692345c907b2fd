"""From the features of a month and the champion to a score, a tier and reasons for every customer.

Begin with `score.py`. The threshold and the tiers come from the version (`metrics/threshold.py`);
the rule for reasons is `published/reasons.py`, which the service uses too. The choice of customers
to contact is decided in `campaign/`.
"""
