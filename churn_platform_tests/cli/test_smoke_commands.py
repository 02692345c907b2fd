"""`churn smoke` prints a line per check."""


def test_a_service_that_does_not_answer_is_one_line(refusal):
    """With the address."""
    told = refusal("smoke", "--url", "http://127.0.0.1:9")
    assert told.startswith("http://127.0.0.1:9/health/ready does not answer: ")
