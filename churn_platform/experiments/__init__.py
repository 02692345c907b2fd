"""Experiments: a question about two versions, asked in steps, answered by numbers and in words.

Begin with `spec.py`, what a YAML file asks; `state.py` reads from the audit trail how far it has
come, and `ladder.py` says what may come next. `group_sequential.py`, `confidence_sequence.py` and
`sample_ratio.py` are the statistics, each for its kind of outcome: docs/experiments.md.
"""
