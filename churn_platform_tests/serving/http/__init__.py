"""The service through HTTP, on bundles that the platform published."""
