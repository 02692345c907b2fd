"""What does the service write and share between its workers?

Begin with `log_writer.py` (the prediction log) and `pushed_store.py` (pushed features). Files are
private to the service's user (`private_files.py`). The formats are in `churn_platform/published/`.
"""
