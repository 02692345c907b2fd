"""Landed files: what is taken, what is refused, and that a refusal changes nothing."""
