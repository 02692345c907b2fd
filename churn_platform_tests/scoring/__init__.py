"""Scores and reasons."""
