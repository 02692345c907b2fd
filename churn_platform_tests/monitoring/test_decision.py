"""The decision to train again, rule by rule."""

import json
from dataclasses import replace
from datetime import date

import pytest

from churn_platform.monitoring.decision import (
    ALARM,
    FOLLOW_UP,
    NAN,
    NOTABLE,
    QUIET,
    REFRESH,
    SEVERE,
    Evidence,
    RetrainingPolicy,
    Training,
    decide,
    judge,
)
from churn_platform.months import shift
from churn_platform_tests.support.invariants import invariant

POLICY = RetrainingPolicy(
    auc_gap_notable=0.01,
    auc_gap_severe=0.03,
    churn_ratio_notable=1.2,
    churn_ratio_severe=1.5,
    prediction_drift_limits=1.0,
    drifted_importance_notable=0.3,
    windows_needed=2,
    windows_looked_at=3,
    cooldown_months=2,
    follow_up_months=3,
    refresh_after_months=100,
)
FIRST = date(2025, 1, 1)
QUIET_OUTCOMES = {"auc_gap_low": -0.01, "churn_ratio_low": 0.95, "churn_ratio_high": 1.05}
BAD = QUIET_OUTCOMES | {"auc_gap_low": 0.02}
WORST = QUIET_OUTCOMES | {"auc_gap_low": 0.04}
DRIFTED = {"prediction_drift": 1.5, "drifted_importance": 0.4}


def month(number: int) -> date:
    """The month of that number, January 2025 being 0."""
    return shift(FIRST, number)


def evidence(number: int, **measured: float) -> Evidence:
    """Evidence of a month, whose outcomes belong to the features of the month before."""
    return Evidence(month(number), month(number - 1), **measured)


def flags(series: list[Evidence], last: int, **context) -> list[int]:
    """Numbers of the months up to `last` in which training is required."""
    return [
        number
        for number in range(last + 1)
        if decide(series, month(number), policy=POLICY, **context).is_required
    ]


def causes(
    series: list[Evidence], last: int, trainings: list[Training], policy: RetrainingPolicy = POLICY
) -> dict[int, str]:
    """What asks for a training in which of the months up to `last`, where these trainings took
    place.
    """
    decided = {
        number: decide(series, month(number), trainings=trainings, policy=policy).cause
        for number in range(last + 1)
    }
    return {number: cause for number, cause in decided.items() if cause}


def lived(
    series: list[Evidence],
    last: int,
    trainings: list[Training] | None = None,
    policy: RetrainingPolicy = POLICY,
    *,
    is_promoted: bool = True,
) -> dict[int, str]:
    """What asks for a training in the months up to `last`, where each that is asked for takes
    place.
    """
    done = list(trainings or [])
    for number in range(last + 1):
        if decide(series, month(number), trainings=done, policy=policy).is_required:
            done.append(Training(month(number), is_promoted))
    return causes(series, last, done, policy)


def test_quiet_months_raise_no_flag():
    """Year after year nothing happens and nothing is required; nor where nothing was measured at
    all.
    """
    assert flags([evidence(number, **QUIET_OUTCOMES) for number in range(36)], 36) == []
    assert flags([], 3) == []


@invariant("Monitoring", "A change in outcomes alone is flagged when labels mature.")
def test_a_change_in_outcomes_alone_is_flagged_when_they_mature():
    """Features and scores look as ever, yet the ranking broke: one severe window suffices."""
    series = [
        evidence(0, **QUIET_OUTCOMES),
        evidence(1, **WORST, prediction_drift=0.1, drifted_importance=0.0),
    ]
    decision = decide(series, month(1), policy=POLICY)
    assert decision.is_required
    assert decision.reasons == (
        "AUC at least 0.040 below what the champion's probabilities promise",
    )


@pytest.mark.parametrize(
    ("bad_months", "flagged"),
    [([5], []), ([5, 6], [6]), ([5, 7], [7]), ([5, 8], []), ([5, 6, 7], [6, 7]), ([5, 8, 11], [])],
)
def test_notable_windows_must_be_enough_of_the_last(bad_months, flagged):
    """Two of the last three, the newest included: neighbours or with one between count, two between
    do not.
    """
    series = [
        evidence(number, **(BAD if number in bad_months else QUIET_OUTCOMES))
        for number in range(12)
    ]
    assert flags(series, 11) == flagged


def test_a_missing_month_counts_as_quiet():
    """Windows are calendar months: a gap does not bring far ones together, and a month without
    evidence is quiet.
    """
    series = [evidence(5, **BAD), evidence(8, **BAD)]
    assert flags(series, 8) == []
    assert flags([evidence(5, **BAD), evidence(7, **BAD)], 9) == [7]


@pytest.mark.parametrize(
    ("measured", "level"),
    [
        ({"auc_gap_low": 0.01}, QUIET),
        ({"auc_gap_low": 0.0101}, NOTABLE),
        ({"auc_gap_low": 0.03}, NOTABLE),
        ({"auc_gap_low": 0.0301}, SEVERE),
        ({"churn_ratio_low": 1.2, "churn_ratio_high": 1.4}, QUIET),
        ({"churn_ratio_low": 1.21, "churn_ratio_high": 1.4}, NOTABLE),
        ({"churn_ratio_low": 1.51, "churn_ratio_high": 1.9}, SEVERE),
        ({"churn_ratio_low": 0.5, "churn_ratio_high": 0.8}, NOTABLE),
        ({"churn_ratio_low": 0.3, "churn_ratio_high": 0.5}, SEVERE),
        ({"churn_ratio_low": 0.5, "churn_ratio_high": 2.0}, QUIET),
        ({"churn_ratio_low": 0.0, "churn_ratio_high": 0.0}, QUIET),
        ({"auc_gap_low": NAN, "churn_ratio_low": NAN, "churn_ratio_high": NAN}, QUIET),
        (DRIFTED, NOTABLE),
        (DRIFTED | {"prediction_drift": 1.0}, QUIET),
        (DRIFTED | {"drifted_importance": 0.29}, QUIET),
        (DRIFTED | {"prediction_drift": NAN}, QUIET),
        (DRIFTED | {"drifted_importance": NAN}, QUIET),
        (DRIFTED | QUIET_OUTCOMES, QUIET),
        ({}, QUIET),
    ],
)
def test_each_signal_has_its_margins(measured, level):
    """A value at a margin is still inside it; NaN is no evidence; outcomes that are there overrule
    drift.
    """
    assert judge(evidence(1, **measured), (), POLICY).level == level


def test_drift_without_labels_needs_enough_windows():
    """While no label matures, drift of scores and features together counts, month by month, never
    severe.
    """
    assert flags([evidence(number, **DRIFTED) for number in (3, 4)], 4) == [4]
    assert flags([evidence(3, prediction_drift=99, drifted_importance=1.0)], 3) == []


@invariant("Monitoring", "Drift alone never retrains while outcomes are as expected.")
def test_a_harmless_mix_is_not_flagged():
    """Features and scores drift for good, but outcomes are as the champion says."""
    assert flags([evidence(number, **QUIET_OUTCOMES, **DRIFTED) for number in range(12)], 11) == []


@invariant("Monitoring", "A broken feed never retrains.")
def test_a_broken_feed_never_retrains():
    """Neither its own drift nor the outcomes predicted from it count; the same evidence of a sound
    feed would.
    """
    series = [
        evidence(3, **QUIET_OUTCOMES),
        evidence(4, prediction_drift=9, drifted_importance=0.9),
        evidence(5, **WORST),
    ]
    assert flags(series, 5) == [5]
    assert flags(series, 5, broken_months={month(4)}) == []
    said = decide(series, month(5), broken_months={month(4)}, policy=POLICY).reasons
    assert said == ("outcomes not judged: the feed of 2025-05 was broken",)
    assert (
        "feed of 2025-05 is broken" in decide(series, month(4), broken_months={month(4)}).reasons[0]
    )


def test_outcomes_of_a_broken_month_still_count():
    """They were predicted from the sound month before, so a change of the world is not hidden by a
    fault.
    """
    assert flags([evidence(4, **WORST)], 4, broken_months={month(4)}) == [4]


@pytest.mark.parametrize(("promoted", "flagged"), [(False, [2, 5, 6]), (True, [2, 5, 6])])
def test_a_training_is_followed_by_a_cooldown(promoted, flagged):
    """After the training of month 3 the months 4 lies in the cooldown of two, month 5 does not."""
    series = [evidence(number, **WORST) for number in (2, 4, 5, 6)]
    assert flags(series, 6, trainings=[Training(month(3), promoted)]) == flagged
    quiet, found = decide(
        series, month(4), trainings=[Training(month(3), promoted)], policy=POLICY
    ).reasons
    assert quiet == "quiet until 2025-06 after the training of 2025-04"
    assert found == "AUC at least 0.040 below what the champion's probabilities promise"


def test_a_follow_up_says_what_it_follows():
    """The reasons have the month's own findings, and not only that it is a follow-up."""
    series = [evidence(number, **WORST) for number in (2, 3)]
    decision = decide(series, month(3), trainings=[Training(month(2), True)], policy=POLICY)
    assert decision.cause == FOLLOW_UP
    decision = decide(
        [*series, evidence(4, **WORST)],
        month(4),
        trainings=[Training(month(2), True)],
        policy=POLICY,
    )
    assert decision.cause == FOLLOW_UP
    assert decision.reasons[1:] == (
        "AUC at least 0.040 below what the champion's probabilities promise",
    )


def test_a_promotion_resets_the_windows():
    """Notable months of the former champion do not add to those of the new one; after a refusal
    they do.
    """
    series = [evidence(number, **BAD) for number in (4, 6)]
    patient = replace(POLICY, cooldown_months=1)
    for promoted, required in ((True, False), (False, True)):
        decision = decide(
            series, month(6), trainings=[Training(month(5), promoted)], policy=patient
        )
        assert decision.is_required is required


def test_the_windows_of_a_promotions_own_month_are_the_former_champions():
    """Evidence of the month in which a model was promoted is about the one before it."""
    series = [evidence(5, **BAD), evidence(6, **BAD)]
    patient = replace(POLICY, cooldown_months=1)
    assert not decide(
        series, month(6), trainings=[Training(month(5), True)], policy=patient
    ).is_required


@invariant("Monitoring", "A decision reads the same after the training that it caused.")
def test_a_decision_reads_the_same_after_the_training_it_caused():
    """What happens in a month or later does not change its decision, so a repeated run gives the
    same.
    """
    series = [evidence(number, **WORST) for number in (2, 3)]
    before = decide(series[:1], month(2), policy=POLICY)
    after = decide(
        series,
        month(2),
        trainings=[Training(month(2), True), Training(month(4), True)],
        policy=POLICY,
    )
    assert before == after


def test_a_promotion_after_a_flag_is_followed_up():
    """In each of three months, though the new champion looks sound; not where nobody trained, or
    not for a flag.
    """
    series = [
        evidence(2, **WORST),
        *(evidence(number, **QUIET_OUTCOMES) for number in range(3, 12)),
    ]
    assert causes(series, 11, [Training(month(2), True)]) == {
        2: ALARM,
        3: FOLLOW_UP,
        4: FOLLOW_UP,
        5: FOLLOW_UP,
    }
    every = [Training(month(number), number == 2) for number in (2, 3, 4, 5)]
    assert causes(series, 11, every) == {2: ALARM, 3: FOLLOW_UP, 4: FOLLOW_UP, 5: FOLLOW_UP}
    assert causes(series, 11, []) == {2: ALARM}
    assert causes(series, 11, [Training(month(3), True)]) == {2: ALARM}


def test_a_refused_training_is_followed_up_while_the_champion_stays_notable():
    """Month 4 is quiet and asks for none; the promotion of month 5 is followed up whatever the new
    champion shows.
    """
    bad = {2: WORST, 3: BAD, 4: QUIET_OUTCOMES, 5: BAD}
    series = [evidence(number, **bad.get(number, QUIET_OUTCOMES)) for number in range(12)]
    trainings = [Training(month(2), False), Training(month(3), False), Training(month(5), True)]
    patient = replace(POLICY, follow_up_months=4)
    assert causes(series, 11, trainings, patient) == {
        2: ALARM,
        3: FOLLOW_UP,
        5: FOLLOW_UP,
        6: FOLLOW_UP,
    }


def test_a_flag_in_error_ends_by_itself():
    """The training is refused, the champion keeps its promise again: nothing follows."""
    series = [
        evidence(2, **WORST),
        *(evidence(number, **QUIET_OUTCOMES) for number in range(3, 12)),
    ]
    assert causes(series, 11, [Training(month(2), False)]) == {2: ALARM}


def test_trainings_that_are_always_refused_do_not_storm():
    """The first flag against a champion is followed up, later ones are not: one training in each
    cooldown remains.
    """
    series = [evidence(number, **WORST) for number in range(2, 14)]
    assert lived(series, 13, is_promoted=False) == {
        **{2: ALARM, 3: FOLLOW_UP, 4: FOLLOW_UP, 5: FOLLOW_UP},
        **{7: ALARM, 9: ALARM, 11: ALARM, 13: ALARM},
    }


def test_a_champion_is_refreshed():
    """Six months after each training, promoted or refused, though nothing is notable; where no
    training is on record, never.
    """
    series = [evidence(number, **QUIET_OUTCOMES) for number in range(20)]
    policy = replace(POLICY, refresh_after_months=6)
    for is_promoted in (True, False):
        first = [Training(month(0), True)]
        assert lived(series, 19, first, policy, is_promoted=is_promoted) == {
            6: REFRESH,
            12: REFRESH,
            18: REFRESH,
        }
    assert lived(series, 19, [], policy) == {}
    decision = decide(series, month(6), trainings=[Training(month(0), True)], policy=policy)
    assert decision.reasons == ("refresh: the last training is 6 months ago", "nothing notable")


def test_a_refresh_waits_for_a_sound_month():
    """A broken feed never retrains, so the month after does."""
    series = [evidence(number, **QUIET_OUTCOMES) for number in range(9)]
    policy = replace(POLICY, refresh_after_months=6)
    context = {"trainings": [Training(month(0), True)], "broken_months": {month(6)}}
    required = [
        decide(series, month(number), policy=policy, **context).cause for number in (5, 6, 7)
    ]
    assert required == [None, None, REFRESH]


def test_a_refresh_silences_no_alarm():
    """A change in the month after a refresh is flagged at once; after a training that a flag asked
    for it is not.
    """
    series = [evidence(number, **(WORST if number == 7 else QUIET_OUTCOMES)) for number in range(9)]
    policy = replace(POLICY, refresh_after_months=6)
    trainings = [Training(month(0), True), Training(month(6), True)]
    assert decide(series, month(7), trainings=trainings, policy=policy).cause == ALARM
    assert decide(series, month(7), trainings=trainings, policy=POLICY).cause is None


def test_the_order_of_the_series_does_not_count():
    """Evidence and trainings may come in any order."""
    series = [evidence(number, **BAD) for number in (4, 5, 6)]
    trainings = [Training(month(0), False), Training(month(1), True)]
    forward = decide(series, month(6), trainings=trainings, policy=POLICY)
    assert decide(series[::-1], month(6), trainings=trainings[::-1], policy=POLICY) == forward


def test_a_decision_is_kept_as_json():
    """Reasons and windows survive a round trip, newest window first."""
    decision = decide([evidence(number, **BAD) for number in (4, 5)], month(5), policy=POLICY)
    kept = json.loads(json.dumps(decision.as_dict()))
    assert [window["month"] for window in kept["windows"]] == ["2025-06", "2025-05"]
    assert kept["reasons"][0].startswith("2025-06: AUC at least 0.020 below")
