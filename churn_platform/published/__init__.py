"""The contract between platform and service: the files that one writes and the other reads.

Begin with `format.py`. It is light on purpose (msgspec and numpy): the service imports this package
and what is below it. `live_file.py` says what is live, `atomic_files.py` replaces folders
in one step, `prediction_log.py` is the format of logged answers. What goes into a bundle is decided
in `bundles/`.
"""
