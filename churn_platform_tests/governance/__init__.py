"""Fairness, explanations, cards."""
