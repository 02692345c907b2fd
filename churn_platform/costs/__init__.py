"""What does a month cost to run?

Begin with `price.py`: recorded CPU, memory and storage become euros beside a yearly budget.
`usage.py` says what a step used; `graph/step_usage.py` notes it while the graph runs. What a
contact costs is in `campaign/`.
"""
