"""Clicks through Dagster's UI in Chromium, as a visitor does after `make demo`."""
