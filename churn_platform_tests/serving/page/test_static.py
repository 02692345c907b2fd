"""What the browser gets is what is listed, and every text that is used exists."""

import hashlib
import json
import re

from serving.page.context import HERE, STATIC, read_texts
from serving.page.customers import DONE, REFUSES

VENDOR = STATIC / "vendor"


def test_every_vendored_file_is_listed_with_its_hash_and_licence():
    """Nothing is there that the list does not name, and nothing was changed."""
    listed = json.loads((VENDOR / "vendored.json").read_text())
    there = {path.name for path in VENDOR.iterdir()} - {"vendored.json"}
    assert there == {*listed, *(entry["license_file"] for entry in listed.values())}
    for name, entry in listed.items():
        for file, known in ((name, "sha256"), (entry["license_file"], "license_sha256")):
            content = (VENDOR / file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == entry[known], file
        assert entry["version"] and entry["license"]


def test_every_text_that_a_template_names_is_in_the_catalogue():
    """A key without a text would stand on the page as it is."""
    texts = read_texts("en")
    used = set()
    for path in (HERE / "templates").glob("*.html"):
        used |= set(re.findall(r"""\bt\(\s*["']([a-z_.0-9]+)["']\s*[,)]""", path.read_text()))
    assert len(used) > 80
    assert sorted(used - set(texts)) == []


def test_every_decision_can_be_told():
    """To the agent as advice and as a reason, to the campaign in short."""
    from churn_platform.campaign.contact_decisions import DECISIONS

    texts = read_texts("en")
    for decision in [*DECISIONS, "undecided"]:
        assert all(f"{kind}.{decision}" in texts for kind in ("say", "decision", "short"))
    assert all(f"say.{advice}" in texts for advice in (DONE, REFUSES, "lowest", "held"))


def test_no_template_has_style_or_script_in_it():
    """The policy forbids it, and a page that is refused half of itself looks broken."""
    for path in (HERE / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path.name
