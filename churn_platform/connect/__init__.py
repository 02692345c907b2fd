"""Proposes how an operator's own tables become those of the recipe, and tries a month of it.

Look at the sources (`looking.py`), tell how alike a column there and one of the contract are
(`likeness.py`, with the words of `vocabulary.py`), choose the best pairs (`proposing.py`), write
the spec (`spec_text.py`). `trial.py` runs a month through reading and ingest and keeps nothing.
"""
