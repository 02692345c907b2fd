"""Sends results back to an operator's own systems, a month at a time.

`result_rows.py` says which rows may leave: never one of a customer who was erased or refuses
contacts. `deliver.py` puts them in place of those that were there, and counts them.
"""
