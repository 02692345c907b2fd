"""Starts what compose.yaml says as processes of this machine, where there is no Docker engine.

`python -m deploy.compose.processes up` reads commands, environment, secrets, health checks and
dependencies from the file. Wheels and Debian's packages stand in for the images of others.
"""
