"""The tables that a run folder may hold, and what the report needs of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FILES", "FileSpec"]

_FORECAST_NUMBERS = (
    "booked", "mean", "sd", "p05", "p10", "p25", "p50", "p75", "p90", "p95",
    "plan", "p_plan", "deals_mean", "deals_p10", "deals_p90",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileSpec:
    """What a file of the folder must hold."""

    name: str
    needed: tuple[str, ...]
    numeric: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    required: bool = False

    def is_number(self, column: str) -> bool:
        """Tell whether a column holds numbers."""
        return column in self.numeric or (bool(self.prefixes) and column.startswith(self.prefixes))


FILES: Mapping[str, FileSpec] = {
    "forecast": FileSpec(
        "forecast.csv",
        ("node_level", "node", "period", "booked", "mean", "sd", "p10", "p50", "p90"),
        _FORECAST_NUMBERS,
        required=True,
    ),
    "exact": FileSpec(
        "exact.csv",
        ("node_level", "node", "period", "mean", "sd", "p10", "p50", "p90", "left_out"),
        ("mean", "sd", "p10", "p50", "p90", "plan", "p_plan"),
    ),
    "parts": FileSpec("parts.csv", ("period", "part", "mean"), ("mean", "p10", "p50", "p90", "deals_mean")),
    "variance": FileSpec(
        "variance.csv", ("node_level", "node", "period", "sd"), ("sd", "parameters", "shocks", "process")
    ),
    "actuals": FileSpec("actuals.csv", ("period", "booked"), ("booked", "deals")),
    "deals": FileSpec(
        "deals.csv",
        ("opportunity_id", "amount", "p_win"),
        ("age_days", "amount", "p_win", "expected_amount", "spread_share"),
        ("p_win_",),
    ),
    "rates": FileSpec("rates.csv", ("kind", "estimate"), ("estimate", "low", "high", "deals", "shrinkage")),
    "quotas": FileSpec(
        "quotas.csv",
        ("rep_id", "period", "quota"),
        ("quota", "p_attain", "expected_attainment", "mean", "p10", "p50", "p90", "last_quota", "change"),
    ),
    "overrides": FileSpec(
        "overrides.csv",
        ("rep_id", "period", "limit", "reason", "quota"),
        ("amount", "quota", "without_limits"),
    ),
    "nodes": FileSpec(
        "nodes.csv",
        ("period", "node_level", "node", "quota", "assigned"),
        ("quota", "cushion", "assigned", "remainder"),
    ),
    "evaluation": FileSpec("evaluation.csv", ("metric", "value")),
    "pay": FileSpec(
        "pay.csv",
        ("rep_id", "period", "pay"),
        ("bookings", "quota", "target_pay", "pay", "pay_p10", "pay_p50", "pay_p90"),
    ),
    "pay_costs": FileSpec("pay_costs.csv", ("period", "low", "high", "share"), ("low", "high", "share")),
    "pay_deciles": FileSpec(
        "pay_deciles.csv", ("decile", "attainment", "pay", "share"), ("decile", "attainment", "pay", "share")
    ),
    "cushions": FileSpec(
        "cushions.csv",
        ("period", "cushion", "p_carried"),
        (
            "cushion",
            "quota_total",
            "p_attain",
            "reps_at_quota",
            "p_carried",
            "payout_mean",
            "payout_p90",
            "cost_of_sales",
        ),
    ),
    "schemes": FileSpec(
        "schemes.csv",
        ("period", "scheme", "pay", "p_carried"),
        (
            "quota_total",
            "p_carried",
            "reps_at_quota",
            "p_attain_range",
            "p_attain_sd",
            "slope",
            "gini",
            "change",
            "payout_mean",
            "payout_p90",
            "cost_of_sales",
            "leverage",
            "pay_correlation",
        ),
    ),
    "differences": FileSpec(
        "differences.csv",
        ("period", "scheme", "pay", "metric", "difference"),
        ("difference", "low", "high", "p_above"),
    ),
    "hiring": FileSpec(
        "hiring.csv",
        ("start", "hires", "p_target"),
        ("hires", "p_target", "ramped_months", "carried_quota", "carried_less_attrition", "target", "wanted"),
    ),
    "hiring_curve": FileSpec(
        "hiring_curve.csv", ("start", "hires", "p_target"), ("hires", "p_target", "added", "shortfall")
    ),
    "hiring_delay": FileSpec(
        "hiring_delay.csv",
        ("start", "months_later", "lost"),
        ("months_later", "lost", "low", "high", "p_target", "p_lost", "hires_more"),
    ),
    "bridge": FileSpec("bridge.csv", ("node_level", "period", "factor", "amount"), ("amount", "booked", "to_come")),
    "bridge_deals": FileSpec(
        "bridge_deals.csv",
        ("opportunity_id", "change"),
        ("last_expected", "expected", "converted", "timing", "size", "change"),
    ),
    "landing": FileSpec(
        "landing.csv", ("period", "forecast", "mean"), ("booked", "mean", "p10", "p50", "p90", "plan", "p_plan")
    ),
    "remaining_quotas": FileSpec(
        "remaining_quotas.csv",
        ("rep_id", "period", "quota"),
        ("last_quota", "carried", "quota", "change", "p_attain", "expected_attainment", "mean"),
    ),
    "quality": FileSpec("quality.csv", ("rule", "effect"), ("rows", "share")),
    "drift": FileSpec("drift.csv", ("monitor", "what", "alert", "told"), ("value", "cases")),
    "people": FileSpec(
        "people.csv",
        ("submitted_by", "category", "periods", "estimate"),
        ("periods", "called", "booked", "realisation", "estimate", "low", "high", "shrinkage", "reached", "pooled"),
    ),
    "calls": FileSpec(
        "calls.csv",
        ("submitted_by", "node_level", "node", "period", "category", "call"),
        ("call", "expected", "expected_sd", "model_mean", "model_p10", "model_p90", "p_reached"),
    ),
    "moves": FileSpec("moves.csv", ("account_id", "from", "to", "reason"), ("potential", "workload")),
    "territories": FileSpec("territories.csv", ("rep_id",), ("km", "km_today"), ("accounts", "potential", "workload")),
    "territory_accounts": FileSpec(
        "territory_accounts.csv",
        ("account_id", "owner_id", "proposed_owner_id"),
        ("potential", "workload", "latitude", "longitude"),
    ),
    "territory_evaluation": FileSpec(
        "territory_evaluation.csv",
        ("metric", "period", "today", "proposed", "difference"),
        ("today", "proposed", "difference", "low", "high", "p05", "p95"),
    ),
    "territory_frontier": FileSpec(
        "territory_frontier.csv", ("max_moved", "moved_share", "imbalance"), ("max_moved", "moved_share", "imbalance")
    ),
    "rejected": FileSpec("rejected.csv", ("table", "reason")),
}
