"""Reads an operator's own databases and files, a month at a time, into landed files.

`extract.py` is the one function behind it: it opens a source (`open_source.py`), reads one month
(`month_filter.py`) with the spec's mapping (`mapping.py`), and puts the file where ingest looks for
it. From there on everything is as with a file that people land.
"""
