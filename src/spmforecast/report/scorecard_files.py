"""The tables of a folder of scorecards, and what the page needs of each."""

from __future__ import annotations

from collections.abc import Mapping

from spmforecast.report.files import FileSpec

__all__ = ["SCORECARD_FILES"]

SCORECARD_FILES: Mapping[str, FileSpec] = {
    "river": FileSpec(
        "river.csv",
        ("segment", "stage", "created", "entered", "open"),
        (
            "days", "start", "created", "entered", "onward", "back", "won", "lost", "unwatched", "open",
            "arrivals_per_day", "average_open", "mean_days", "median_days", "left_over", "open_stay_days",
            "little_open", "little_ratio", "silting", "longest_days", "over_limit", "healthy_open", "wanted", "p_on",
            "p_on_low", "p_on_high", "p_won", "p_won_low", "p_won_high", "visits", "leverage", "gain_chance",
            "gain_leak",
        ),
        required=True,
    ),
    "mends": FileSpec(
        "mends.csv", ("stage", "way", "worth"), ("by", "worth", "se", "p10", "p50", "p90", "p_above"), required=True
    ),
    "breaches": FileSpec(
        "breaches.csv",
        ("opportunity_id", "owner_id", "stage"),
        ("age_days", "longest_days", "over_days", "amount", "p_win", "expected_amount"),
        required=True,
    ),
    "scorecards": FileSpec(
        "scorecards.csv",
        ("rep_id", "booked_period", "booked_year"),
        (
            "tenure_months", "ramp", "win_rate", "win_rate_low", "win_rate_high", "win_rate_deals", "win_rate_wins",
            "cycle_days", "cycle_deals", "open_deals", "open_amount", "open_expected", "over_limit", "discount",
            "discount_deals", "booked_period", "booked_year", "quota_period", "forecast_mean", "p10", "p50", "p90",
            "quota", "p_quota", "attainment_period", "left", "coverage", "coverage_needed",
        ),
        ("deals_created_",),
        required=True,
    ),
    "leaderboard": FileSpec(
        "leaderboard.csv",
        ("rep_id", "rank", "rank_adjusted", "index"),
        (
            "tenure_months", "rank", "bookings", "wins", "rank_adjusted", "index", "index_low", "index_high",
            "p_best_quarter", "expected_bookings", "opened", "opened_expected", "opened_index", "won_index",
            "territory_level", "days",
        ),
        required=True,
    ),
    "weekly": FileSpec("weekly.csv", ("rep_id", "measure", "done"), ("done", "target", "usual"), required=True),
    "actions": FileSpec(
        "actions.csv",
        ("rep_id", "opportunity_id", "detail"),
        ("age_days", "amount", "p_win", "expected_amount", "spread_share"),
        required=True,
    ),
    "well": FileSpec("well.csv", ("rep_id", "what"), ("amount",), required=True),
    "team": FileSpec(
        "team.csv",
        ("manager_id", "reps"),
        (
            "reps", "ramping", "open_deals", "open_amount", "over_limit", "booked_period", "booked_year",
            "deals_created_4w", "forecast_mean", "p10", "p50", "p90", "quota", "reps_with_quota", "p_quota",
            "reps_below_half", "actions", "targets_met",
        ),
        required=True,
    ),
}  # fmt: skip
