"""Removes one customer from everything the platform keeps, physically, and proves it (GDPR, art. 17)."""
