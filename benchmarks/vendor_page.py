"""Fetches the page's libraries from npm, at the versions that stand in one file, with their hashes
and licences.

python -m benchmarks.vendor_page [--update]

`vendored.json` names each file's package, version, licence and SHA-256. A file that differs from
its hash is refused, unless `--update` says that a version was changed on purpose.
"""

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[1] / "serving" / "page" / "static" / "vendor"
LIST = VENDOR / "vendored.json"


def main() -> None:
    """Write every file, or say which differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="take the new hashes over")
    update = parser.parse_args().update
    listed = json.loads(LIST.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name, entry in listed.items():
            listed[name] = entry | fetch(Path(folder), name, entry, update=update)
    LIST.write_text(json.dumps(listed, indent=2) + "\n")


def fetch(folder: Path, name: str, entry: dict[str, Any], *, update: bool) -> dict[str, str]:
    """Write a file and its licence; their hashes."""
    archive = packed(folder, f"{entry['package']}@{entry['version']}")
    content = member(archive, entry["path"])
    license_text = b"\n".join(member(archive, path) for path in entry["license_paths"])
    hashes = {"sha256": sha256(content), "license_sha256": sha256(license_text)}
    known = {key: entry[key] for key in hashes if key in entry}
    if known and known != hashes and not update:
        raise SystemExit(f"{name} of {entry['package']} is not what it was; --update takes it over")
    (VENDOR / name).write_bytes(content)
    (VENDOR / entry["license_file"]).write_bytes(license_text)
    return hashes


def packed(folder: Path, package: str) -> Path:
    """The archive of a package, as npm packs it."""
    done = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), package],
        check=True,
        capture_output=True,
        text=True,
    )
    return folder / done.stdout.split()[-1]


def member(archive: Path, path: str) -> bytes:
    """A file of an archive."""
    with tarfile.open(archive) as opened:
        found = opened.extractfile(path)
        if found is None:
            raise SystemExit(f"{archive.name} has no {path}")
        return found.read()


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
