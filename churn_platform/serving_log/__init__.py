"""What did the service answer? Its prediction log as a table, each segment ingested exactly once.

Begin with `log_ingestion.py`. `outcome_ingestion.py` takes over what agents recorded on the page in
the same way. `retention.py` removes old answers. The format of a segment is in
`published/prediction_log.py`; the service writes it.
"""
