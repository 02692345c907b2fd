"""From landed files to raw tables: a file that keeps its contract replaces its month; any other
loads nothing.

Begin with `load.py`. `landed_files.py` finds and opens files, `file_contract.py` checks them,
`casting.py` converts values, `hashing.py` hides phone numbers, `suppression.py` keeps erased
customers out. Whether a month as a whole is plausible is judged later, in `data_contract/`.
"""
