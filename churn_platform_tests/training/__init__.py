"""Splits, data, candidates and tracking."""
