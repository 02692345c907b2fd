"""What is kept for how long? What only the past needs goes after a while.

Begin with `clean_up.py`: all steps in order. `needed_snapshots.py` says which lake snapshots the
champion still needs. A customer who asks to be forgotten is handled in `erasure/`.
"""
