"""Measures the page with as many customers as the reference case has."""
