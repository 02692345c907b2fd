"""What the service answered, as a table: segments of its prediction log, each ingested exactly once."""
