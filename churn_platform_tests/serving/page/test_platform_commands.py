"""What the page has the platform do, and what becomes of it."""

from churn_platform_tests.serving.page.test_model_routes import decided


def test_a_decision_is_carried_out_by_the_platform_with_the_reason(settings):
    """The command is told version, reason and who decided; what it says is shown."""
    told = "import sys; print(*sys.argv[1:])"
    status, found = decided(
        settings, told, version="4", decision="approve", reason="--card read, fine"
    )
    assert status == 200
    assert (found[0]["user"], found[0]["state"]) == ("model", "done")
    assert found[0]["told"] == (
        "approve tiny --version 4 --reason=--card read, fine (by model on the page)"
    )


def test_what_the_platform_refuses_is_shown(settings):
    """The error of the command, not a success."""
    failing = "import sys; sys.exit('version 4 does not wait')"
    _, found = decided(settings, failing, version="4", decision="refuse", reason="unfair")
    assert (found[0]["state"], found[0]["told"]) == ("failed", "version 4 does not wait")
