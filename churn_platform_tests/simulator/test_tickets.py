"""Support tickets end after they open."""


def test_tickets_end_after_they_open(query):
    """Escalation and resolution follow the opening; some lie after the month, some tickets stay
    open.
    """
    assert query(
        "select count(*) from support_tickets where escalated_at < opened_at "
        "or resolved_at < opened_at"
    ) == [(0,)]
    sql = (
        "select count(*) filter (resolved_at is null) > 0, count(*) filter (strftime(resolved_at, "
        "'%Y-%m') > month) > 0"
    )
    assert query(f"{sql} from support_tickets") == [(True, True)]
