"""Commands that run the graph: what they refuse before anything runs."""

from churn_platform.cli.app import console


def test_files_that_are_not_read_are_told(refusal, settings):
    """A month that is none, and a copy that an editor left."""
    folder = settings.landing_dir / "telecomit" / "customers"
    folder.mkdir(parents=True)
    for name in ("2025-13.parquet", "2025-00.csv~"):
        (folder / name).touch()
    with console.capture() as printed:
        assert refusal("run", "telecomit").startswith(f"no month has landed in {folder}; land a file")
    assert printed.get().endswith(": customers/2025-00.csv~, customers/2025-13.parquet\n")
