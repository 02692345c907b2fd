"""`python -m churn_platform.cli`."""

from churn_platform.cli import main

main()
