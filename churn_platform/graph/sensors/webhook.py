"""What people are told, as JSON that Slack and its likes take, and how it is sent."""

import http.client
import json
import re
import urllib.error
import urllib.request
from typing import Any

from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio

EXAMPLE = re.compile(r", e\.g\. [^;\n]*")
TEXT_MOST = 3_000  # characters; Slack cuts longer blocks


def post(url: str, text: str, *, timeout_seconds: float) -> str | None:
    """Send a message to a webhook; returns what went wrong, without the
    address, which is secret.
    """
    body = json.dumps({"text": text[:TEXT_MOST]}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        return f"the webhook answered {error.code}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Only the class: the text of the error may quote the address, which is a secret.
        kind = type(error).__name__
        return f"the webhook could not be reached: {kind}"

    return None


def failure_message(job: str, run_id: str, months: str, cause: str) -> str:
    """A failed run; the examples that a cause quotes stay out, for they may be a customer's."""
    return f"*{job}* failed{months and f' for {months}'}: {EXAMPLE.sub('', cause)}\nrun {run_id}"


def decision_message(portfolio: Portfolio, row: dict[str, Any]) -> str | None:
    """A month whose drift or outcomes are notable, or that asks for a training; None for a quiet
    one.
    """
    if row["retraining_required"]:
        what = "training is asked for"
    elif row["severity"] != "quiet":
        what = f"{row['severity']} drift, no training"
    else:
        return None

    reasons = "; ".join(row["reasons"])
    message = f"*{portfolio.title}*, {label(row['month'])}: {what}: {reasons}"
    if row["drifted_features"]:
        message += f"\ndrifted: {', '.join(row['drifted_features'])}"

    return message


def evaluation_message(portfolio: Portfolio, row: dict[str, Any]) -> str:
    """What was decided on a challenger."""
    outcome = "promoted" if row["is_promoted"] else "not promoted"
    month = label(row["month"])
    return (
        f"*{portfolio.title}*, {month}: "
        f"version {row['challenger_version']} {outcome}: "
        f"{row['reason']}"
    )
