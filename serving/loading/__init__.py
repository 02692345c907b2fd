"""What is checked before a published bundle may answer?

Begin with `bundles.py`. `manifest_checks.py` and `month_checks.py` refuse a bundle that makes no
sense, so that one broken portfolio never ends the service. When news is looked for is decided in
`serving/registry.py`.
"""
