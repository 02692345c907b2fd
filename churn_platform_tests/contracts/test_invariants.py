"""docs/invariants.md is the page that the marks on the tests make."""

from churn_platform_tests.support.invariants import PAGE, TOPICS, marked_invariants, page


def test_the_page_is_what_the_marks_make():
    """After a mark has changed: `python -m churn_platform_tests.support.invariants`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_each_topic_has_proofs():
    """The reader of marks finds them."""
    assert {it.topic for it in marked_invariants()} == set(TOPICS)
