"""Files in a folder or in an object store, by one interface: `s3://`, `gs://` and `az://` addresses
behave as a folder does.

Begin with `store.py` (what a store can do) and `opening.py` (`open_store`). Nothing here knows what
the files are for, and obstore is imported only where an address asks for it. DuckDB reads the
lake's Parquet files by its own means; `warehouse/` tells it the same options.
"""
