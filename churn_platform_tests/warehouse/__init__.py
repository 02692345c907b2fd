"""The lake: connections, writers, readers and transactions."""
