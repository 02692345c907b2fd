"""The files that serving reads: immutable bundles of models and features, and one small file that says what is live."""
