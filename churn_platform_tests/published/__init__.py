"""Published files and their contract."""
