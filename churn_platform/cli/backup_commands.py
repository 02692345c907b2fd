"""Commands that keep a data folder elsewhere, and bring it back."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from churn_platform.cli.app import app, console
from churn_platform.cli.relocation_commands import relocate
from churn_platform.settings import Settings, load_settings
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store

Place = Annotated[str, typer.Argument(help="Folder, or s3://bucket/prefix.")]


@app.command()
def backup(
    target: Place,
    landing: Annotated[
        bool, typer.Option("--with-landing", help="Keep the landed files of operators too.")
    ] = False,
) -> None:
    """Keep the data folder and the lake in another place, while the platform runs; what is there
    already is not copied again.
    """
    from churn_platform.backup.back_up import back_up

    settings = load_settings()
    store = _store(settings, target)
    name, made = back_up(
        settings, store, now=datetime.now(UTC), landing=landing, show=console.print
    )
    console.print(
        f"backup          {name}: {made.file_count:,} files, {made.size_bytes / 1e9:.2f} GB\n"
        f"in              {store.location}\n"
        f"audit trail     head {made.audit_head or 'none yet'}; "
        f"note it: `churn audit verify --head ...` proves what is restored"
    )


@app.command()
def restore(
    source: Place,
    name: Annotated[
        str | None, typer.Option(help="Which back-up; default the newest. `churn backups` lists.")
    ] = None,
) -> None:
    """Write a back-up into CHURN_DATA_DIR, and the lake where the settings have it; all must be
    empty.
    """
    from churn_platform.backup.restore import restore as put_back

    settings = load_settings()
    store = _store(settings, source)
    made = put_back(settings, store, name=name, show=console.print)
    console.print(
        f"restored        {made.file_count:,} files, {made.size_bytes / 1e9:.2f} GB, of "
        f"{made.made_at:%Y-%m-%d %H:%M} UTC\nin              {settings.root}"
    )
    if str(settings.root) != made.data_dir and (settings.root / "mlflow.db").exists():
        relocate(yes=True)
    head = f" --head {made.audit_head}" if made.audit_head else ""
    console.print(f"next            churn audit verify{head}")


@app.command()
def backups(source: Place) -> None:
    """List the back-ups in a place, oldest first."""
    from churn_platform.backup.catalogue import find, names

    store = _store(load_settings(), source)
    for name in names(store):
        found = find(store, name)
        assert found is not None, "it is in the list"
        console.print(f"{name}  {found.file_count:>8,} files  {found.size_bytes / 1e9:>8.2f} GB")


def _store(settings: Settings, place: str) -> Store:
    return open_store(place, settings.store_options, setting="the place given")
