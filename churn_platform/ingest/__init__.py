"""From landed files to raw tables: a file that keeps its contract replaces its month, any other loads nothing."""
