"""Whatever is changed in the trail is found, and its line is named."""

import random

import msgspec
import pytest

from churn_platform.audit.audit_record import GENESIS, decode, encode, sealed
from churn_platform.audit.verify import Anchor, verify
from churn_platform_tests.audit.conftest import add
from churn_platform_tests.support.invariants import invariant


@pytest.fixture
def lines(log) -> list[bytes]:
    """Six records of a trail that verifies, as lines with their ends."""
    for number in range(1, 7):
        add(log, number)
    assert verify(log.path).findings == []
    return log.path.read_bytes().splitlines(keepends=True)


def found(log, lines: list[bytes], *anchors: Anchor) -> list[int | None]:
    """Numbers of the lines that are found once the file holds these."""
    log.path.write_bytes(b"".join(lines))
    return [finding.line for finding in verify(log.path, anchors).findings]


@invariant("Governance", "A changed byte anywhere in the audit trail is found.")
def test_a_flipped_byte_anywhere_is_found(log, lines):
    """1,000 random changes of one byte, ends of lines included: 1,000 found, each in its line or
    the one after.
    """
    whole = b"".join(lines)
    generator = random.Random(11)
    for _ in range(1_000):
        place, change = generator.randrange(len(whole)), generator.randrange(1, 256)
        damaged = bytearray(whole)
        damaged[place] ^= change
        hit = whole[:place].count(b"\n") + 1
        assert found(log, [bytes(damaged)])[0] == hit


def test_every_byte_is_covered(log, lines):
    """The lowest bit of each byte in turn, and every value of the last one: none passes."""
    whole = b"".join(lines)
    for place in range(len(whole)):
        assert found(log, [whole[:place], bytes([whole[place] ^ 1]), whole[place + 1 :]])
    assert all(
        found(log, [whole[:-1], bytes([value])]) for value in range(256) if value != ord("\n")
    )


def test_an_intact_trail_names_its_head(log, lines):
    """The number of records and the last one's hash, which is what an anchor keeps."""
    verified = verify(log.path)
    assert (verified.records, verified.head) == (6, decode(lines[-1]).sha256)


def test_no_trail_is_an_empty_one(log):
    """Nothing was recorded, so nothing is wrong."""
    verified = verify(log.path)
    assert (verified.records, verified.head, verified.findings) == (0, GENESIS, [])


def test_a_removed_record_is_found(log, lines):
    """At each place but the end, the line after the gap is named."""
    for gone in range(5):
        assert found(log, lines[:gone] + lines[gone + 1 :]) == [gone + 1]


def test_reordered_records_are_found(log, lines):
    """Two neighbours that changed places."""
    assert found(log, [*lines[:2], lines[3], lines[2], *lines[4:]]) == [3, 4, 5]


def test_an_inserted_record_is_found(log, lines):
    """A repeated line, and a blank one."""
    assert found(log, [*lines[:3], lines[2], *lines[3:]])[0] == 4
    assert found(log, [*lines[:3], b"\n", *lines[3:]])[0] == 4


def test_a_record_changed_with_its_hash_is_found_by_the_next(log, lines):
    """Whoever computes the record's hash anew breaks the link that follows."""
    forged = sealed(msgspec.structs.replace(decode(lines[2]), reason="better after all"))
    assert found(log, [*lines[:2], encode(forged) + b"\n", *lines[3:]]) == [4]


def test_another_spelling_of_the_same_record_is_found(log, lines):
    """Blanks, the order of keys and the form of numbers are part of what is compared."""
    for before, after in (
        (b'"by":', b'"by" :'),
        (b"0.8125", b"8.125e-1"),
        (b'"sequence":3', b'"sequence":3.0'),
    ):
        assert before in lines[2]
        assert found(log, [*lines[:2], lines[2].replace(before, after), *lines[3:]]) == [3]
    assert found(log, [*lines[:2], lines[2].replace(b"\n", b"\r\n"), *lines[3:]]) == [3]


def test_a_cut_end_is_found_by_an_anchor_alone(log, lines):
    """The chain cannot know of what came later; a head noted elsewhere does."""
    anchor = Anchor("note", 6, decode(lines[5]).sha256)
    assert found(log, lines, anchor) == []
    assert found(log, lines[:4]) == []
    assert found(log, lines[:4], anchor) == [None]
    assert "note knows record 6" in verify(log.path, [anchor]).findings[0].problem


def test_a_trail_written_anew_is_found_by_an_anchor_alone(log, lines):
    """A forged chain is consistent in itself, but record 3 is not the one that was noted."""
    anchor = Anchor("note", 3, decode(lines[2]).sha256)
    log.path.unlink()
    for number in range(6):
        add(log, number + 10)
    assert verify(log.path).findings == []
    assert [finding.line for finding in verify(log.path, [anchor]).findings] == [3]


def test_a_deleted_trail_is_found_by_an_anchor(log, lines):
    """No file, but somebody remembers records."""
    log.path.unlink()
    assert [
        finding.line for finding in verify(log.path, [Anchor("note", 6, "ab" * 32)]).findings
    ] == [None]
