"""The HTTP service: scores customers from published bundles, in milliseconds."""
