"""Metrics, threshold, tiers and promotion."""
