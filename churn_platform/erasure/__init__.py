"""Removes one customer from everything that the platform keeps, and proves it (GDPR, article 17).

Begin with `erase.py`: the steps in order, each of which may be interrupted and run again. Each
place has its own module (lake, landed files, exports, look-ups, pushed features, logs); `proof.py`
then searches every file. What goes because it is old, and not because a person asked, is in
`housekeeping/`.
"""
