"""Who decided what, when and why? The audit trail: a chain of records that shows every change.

Begin with `record.py` (what a record says) and `audit_log.py` (how one is appended). `verify.py`
finds what was changed, removed or reordered; `anchors.py` notes the trail's head elsewhere, so that
a cut end is found too. Who is champion does not belong here: `promotion/champion.py` decides that
and writes it here.
"""
