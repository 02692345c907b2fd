"""Drives the page in Chromium: every page, the loop from a call to the next list, accessibility."""
