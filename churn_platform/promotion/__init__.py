"""Who is champion, and why?

Begin with `rules.py`: the gates and the paired comparison that a challenger must pass.
`evaluate.py` applies them, `evaluation_table.py` keeps the result, `champion.py` changes the
champion with an audit record first, and `publication.py` makes it live. `rollback.py`,
`approval.py` and `traffic.py` are what a person orders. How a model is fitted is in `training/`;
how it is measured is in `metrics/`.
"""
