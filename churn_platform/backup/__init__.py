"""A data folder, kept elsewhere: in a folder or a bucket, a file's contents once however many
back-ups hold it.

Begin with `back_up.py` and `restore.py`; `catalogue.py` says what a back-up is made of, `parts.py`
what of a data folder belongs to it. What old data may go is in `housekeeping/`, moving a whole
folder in `housekeeping/relocation.py`.
"""
