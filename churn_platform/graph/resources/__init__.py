"""What assets open: the lake, MLflow and the audit trail, as Dagster resources."""
