"""Which role may do what: the one table that every handler is checked against."""

AGENT, CAMPAIGN, MODEL, ADMIN = "agent", "campaign", "model", "admin"
ROLES = (AGENT, CAMPAIGN, MODEL, ADMIN)

PUBLIC = "public"
SIGNED_IN = "signed in"
PERMISSIONS: dict[str, frozenset[str]] = {
    SIGNED_IN: frozenset(ROLES),
    "customer.view": frozenset({AGENT, ADMIN}),
    "outcome.record": frozenset({AGENT, ADMIN}),
    "campaign.view": frozenset({CAMPAIGN, MODEL, ADMIN}),
    "campaign.ids": frozenset({CAMPAIGN, ADMIN}),
    "campaign.approve": frozenset({CAMPAIGN, ADMIN}),
    "model.view": frozenset({MODEL, ADMIN}),
    "model.decide": frozenset({MODEL, ADMIN}),
    "access.view": frozenset({ADMIN}),
}
"""Who may; whoever lacks `campaign.ids` sees masked ids."""

HOMES = (("customer.view", "customers"), ("campaign.view", "campaign"), ("model.view", "model"))
"""The pages in the order of the menu: what one needs for each, and its path in a portfolio."""


def may(roles: frozenset[str], permission: str) -> bool:
    """Whether one of the roles has the permission."""
    return permission == PUBLIC or bool(PERMISSIONS[permission] & roles)
