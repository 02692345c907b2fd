"""Turns a customer snapshot that no one has described yet into a portfolio spec that a person can
read and correct.

Inspect the columns, look for leaks, propose a feature or a reason against it for each column, write
the YAML. What is proposed is read and cast by the same code as ingest, so the file onboarded is a
file that ingest accepts.
"""

from churn_platform.onboarding.onboard import Onboarding, onboard

__all__ = ["Onboarding", "onboard"]
