"""What the service answered, as a table."""
