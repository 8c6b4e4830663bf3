"""The answer as the terminal prints it: every period, and longer ones that have a plan of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spmforecast.scenario.tables import company_table, company_targets, covers

if TYPE_CHECKING:
    from spmforecast.plan import AnnualPlan
    from spmforecast.simulate import Forecast

__all__ = ["company_rows"]


def company_rows(forecast: Forecast, plan: AnnualPlan) -> pd.DataFrame:
    """Tabulate the company's bookings by period, in order of time.

    Parameters
    ----------
    forecast : Forecast
        Draws.
    plan : AnnualPlan
        Targets. A quarter that has one stands beside months.

    Returns
    -------
    pandas.DataFrame
        ``period, booked, mean, sd, p10, p90, plan, p_plan``; a year that is covered in part is marked so.
    """
    rows = company_table(forecast, plan)[["period", "booked", "mean", "sd", "p10", "p90", "plan", "p_plan"]]
    targets = company_targets(plan, forecast)
    longer = [_longer(forecast, label, targets[label], rows) for label in targets if label not in set(rows["period"])]
    if longer:
        rows = pd.concat([rows, pd.DataFrame(longer)], ignore_index=True)
        periods = [forecast.calendar.period(label) for label in rows["period"]]
        length = np.array([one.days for one in periods])
        years = np.array([label in forecast.years for label in rows["period"]])
        end = np.array([one.end.value for one in periods])
        rows = rows.iloc[np.lexsort((length, end, years))]
    part = [name for name in forecast.years if not covers(forecast, name)]
    return rows.assign(period=[f"{name} (part)" if name in part else name for name in rows["period"]])


def _longer(forecast: Forecast, label: str, target: float, rows: pd.DataFrame) -> dict[str, object]:
    """Add up the periods within a longer one, in every draw."""
    draws = np.round(forecast.period_draws(label), 2)
    inside = [forecast.calendar.contains(label, own) and own in forecast.periods for own in rows["period"]]
    low, high = np.quantile(draws, (0.1, 0.9))
    return {
        "period": label,
        "booked": rows.loc[inside, "booked"].sum(),
        "mean": draws.mean(),
        "sd": draws.std() if np.ptp(draws) > 0 else 0.0,
        "p10": low,
        "p90": high,
        "plan": target,
        "p_plan": float(forecast.p_plan({label: target}).iloc[0]),
    }
