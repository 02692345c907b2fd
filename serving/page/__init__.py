"""The web page for agents, the campaign and the owners of models: a process of its own.

Begin with `app.py`. It reads the published read model (`published/page_bundle.py`), asks the
scoring service over HTTP, and appends what agents record to a log. The scoring service imports none
of it.
"""
