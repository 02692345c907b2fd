"""The HTTP side of the service: routes, keys, problems, documents. What they serve is decided
elsewhere.
"""
