"""Keeps an installation from growing for ever: what only the past needs goes after a while."""
