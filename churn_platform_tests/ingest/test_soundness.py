"""Files beyond reason are refused early and in one line that names file, fault,
value and remedy.
"""

import gzip
import os
from pathlib import Path

import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest import soundness
from churn_platform.ingest.landing_folder import land_file
from churn_platform.ingest.soundness import pieces_of
from churn_platform_tests.ingest.conftest import CALLS
from churn_platform_tests.support.tiny import JANUARY, TINY

LONG = "y" * 2_000_001
QUOTED_ROW = 'K9,C1,2025-01-15 12:00:00,,5,no,"voi{}ce",1\n'


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("x" * 200_000 + "," + CALLS, "line 1: a header has 200,"),
        (
            f'"{"x" * 1_100_000}",' + CALLS,
            "line 1 has 1,048,576 bytes or more; put the headers there",
        ),
        (CALLS.replace("kind", "ki\0nd"), "line 1 holds a NUL byte"),
        (CALLS.replace("voice", "vo\0ice"), "line 2 holds a NUL byte"),
        (CALLS + "\0" * 50, "line 5 holds a NUL byte"),
        (
            CALLS + f"K9,{LONG},2\n",
            "line 5 has more than 2,000,000 bytes; shorten its longest field",
        ),
        (CALLS + LONG, "line 5 has more than 2,000,000 bytes"),
        (CALLS + QUOTED_ROW.format("\n" * 2_000_000), "its field has more than 2,000,000 bytes"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_a_csv_beyond_reason_is_refused(january, suffix, content, cause):
    """Headers, lines and bytes that no delivery has are told in a line with the file's path, packed
    or not.
    """
    content = content.encode() if isinstance(content, str) else content
    path = january.put(
        "calls", gzip.compress(content, 1) if suffix == "csv.gz" else content, suffix=suffix
    )
    message = january.refused("calls")
    assert cause in message
    assert message.startswith(f"{path}: ")
    assert message.endswith("nothing of it was loaded")
    assert len(message) < 400


def test_a_wide_header_is_read_with_its_own_separator(landing):
    """Another separator finds one field longer than the csv module reads in it; the file's own
    finds short ones.
    """
    extra = "\t".join(f"a_column_that_nobody_asked_for_{place}" for place in range(5_000))
    rows = CALLS.replace(",", "\t").splitlines()
    more = [extra, *["\t" * 4_999] * 3]
    landing.put(
        "calls", "\n".join(f"{row}\t{end}" for row, end in zip(rows, more, strict=True)) + "\n"
    )
    assert landing.load("calls").rows == 3


def test_a_gzip_bomb_is_refused_while_it_is_read(tmp_path, monkeypatch):
    """Good rows before it do not thin its ratio out, and what lies behind the limit is never
    unpacked.
    """
    monkeypatch.setattr(soundness, "RATIO_WINDOW_BYTES", 4 << 20)
    path = tmp_path / "2025-01.csv.gz"
    good = "\n".join(os.urandom(16).hex() for _ in range(50_000)) + "\n"
    path.write_bytes(
        gzip.compress(good.encode(), 1) + gzip.compress(b"1,2,3,4\n" * (2 << 20), 9) + b"not gzip"
    )
    with pytest.raises(
        LandingError, match=r"2025-01\.csv\.gz: .* more than 500 times as many, as in a gzip bomb"
    ):
        list(pieces_of(path))


def test_a_gzip_file_has_a_greatest_size(tmp_path, monkeypatch):
    """A file that unpacks to more than a month can mean is refused with the limit and another way
    to deliver.
    """
    monkeypatch.setattr(soundness, "MAX_UNPACKED_BYTES", len(CALLS))
    path = tmp_path / "2025-01.csv.gz"
    path.write_bytes(gzip.compress(CALLS.encode()))
    list(pieces_of(path))
    path.write_bytes(gzip.compress((CALLS + "\n").encode()))
    with pytest.raises(LandingError, match=f"more than {len(CALLS)} bytes; deliver it as Parquet"):
        list(pieces_of(path))


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (Path.mkdir, "is a folder; put the file itself in its place"),
        (lambda path: path.symlink_to("elsewhere.csv"), "links to elsewhere.csv, where no file is"),
        (os.mkfifo, "is a pipe or a device"),
    ],
)
def test_what_is_no_file_does_not_pass_for_none(january, tmp_path, make, cause):
    """A folder, a dead link or a pipe under a file's name is told as such, by ingest and by `churn
    run --file`.
    """
    path = january.put("calls", CALLS)
    path.unlink()
    make(path)
    assert f"{path}: {cause}" in january.refused("calls")
    with pytest.raises(LandingError, match=cause):
        land_file(path, tmp_path, TINY.name, "calls", JANUARY)
    path.rmdir() if path.is_dir() else path.unlink()
