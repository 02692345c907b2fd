"""What the page shows of a month, as files that it can read without lake and MLflow.

Begin with `publish.py`. `customer_rows.py` says in SQL what is known of each customer, `figures.py`
which small tables go along. The format is in `published/page_bundle.py`.
"""
