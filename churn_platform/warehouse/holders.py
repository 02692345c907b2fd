"""Says which processes have a file open, for the message of a busy catalog."""

from pathlib import Path


def holders_of(path: Path, proc: Path = Path("/proc")) -> list[str]:
    """Each other process that has `path` open, as 'pid 123 (command line)'; empty if the system
    cannot tell.
    """
    target = path.resolve()
    holders = []
    for entry in _processes(proc):
        if _has_open(entry, target):
            holders.append(f"pid {entry.name} ({_command(entry)})")
    return holders


def _processes(proc: Path) -> list[Path]:
    own = (proc / "self").resolve().name
    return [entry for entry in sorted(proc.glob("[0-9]*")) if entry.name != own]


def _has_open(process: Path, target: Path) -> bool:
    try:
        return any(link.resolve() == target for link in (process / "fd").iterdir())
    except OSError:
        return False


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "ended meanwhile"
    return " ".join(words).strip()[:80]
