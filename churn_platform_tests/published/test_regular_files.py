"""A published file is read only where it is a plain file."""

import hashlib
import os
from pathlib import Path

import pytest

from churn_platform.published.regular_files import file_sha256


def test_a_checksum_is_that_of_the_contents(tmp_path):
    """The helper agrees with hashlib on the bytes of the file."""
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    assert file_sha256(path) == hashlib.sha256(b"contents").hexdigest()


def test_what_might_have_no_end_has_no_checksum(tmp_path):
    """A pipe without a writer, a device and a folder are refused at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=path.name):
            file_sha256(path)
