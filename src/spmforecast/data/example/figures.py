"""Constants of the example company: what it sells, how large it is and how rough its market is.

The figures follow what firms look like (win rates near 35/25/15 %, cycle medians near 30/65/130 days, attrition
of about a third a year), not how they should be. Nothing in the fitted models reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "CHARACTERS",
    "REGIONS",
    "SEGMENTS",
    "SIZES",
    "SOURCES",
    "STAGES",
    "Character",
    "CharacterName",
    "Floats",
    "Ints",
    "Size",
    "SizeName",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SizeName = Literal["small", "medium", "large"]
CharacterName = Literal["calm", "ordinary", "stormy", "tiny"]

SEGMENTS = ("SMB", "Mid", "Enterprise")
SOURCES = ("inbound", "outbound", "partner", "referral")
PRODUCTS = ("Core", "Plus", "Suite")
REGIONS = ("North", "South", "East", "West")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
CATEGORIES = ("pipeline", "best_case", "commit", "closed", "omitted")
WON, LOST = 4, 5
PROPOSAL, NEGOTIATION = 2, 3

# What a company opens: shares by segment, source and product.
SEGMENT_SHARE = np.array([0.57, 0.30, 0.13])
SOURCE_SHARE = np.array([0.30, 0.42, 0.16, 0.12])
PRODUCT_SHARE = np.array([0.50, 0.32, 0.18])
PRODUCT_PRICE = np.array([0.85, 1.0, 1.35])
TYPICAL_AMOUNT = np.array([8_000.0, 30_000.0, 110_000.0])
AMOUNT_SPREAD = np.array([0.60, 0.60, 0.65])

# A deal's interest wanders between -1 (lost) and +1 (next stage). LEAN is its drift, by segment; without quality
# and luck the chance of going up is 1 / (1 + exp(-2 lean)). STAGE_DAYS is the time scale of the wandering.
LEAN = np.array([0.345, 0.235, 0.12])
STAGE_LEAN = np.array([-0.06, 0.0, 0.04, 0.10])
STAGE_DAYS = np.array([[3.4, 3.9, 4.1, 3.9], [10.5, 12.0, 13.0, 12.0], [22.0, 26.0, 28.0, 26.0]])
SOURCE_LEAN = np.array([0.03, -0.08, 0.04, 0.20])
QUALITY_LEAN, QUALITY_PACE, PACE_SPREAD = 0.26, 0.22, 0.50
LARGE_LEAN = -0.10  # per unit of log amount above the segment's typical one
HUGE_AMOUNT, HUGE_LEAN = 100_000.0, -0.10
DISCOUNT_LEAN = 0.8
TRAINING_LEAN = 0.04
RAMP_LEAN = -0.12  # of a rep who has just begun

SKIP, BACK = 0.07, 0.08  # moves over a stage, and back by one instead of a loss
ENTERS_QUALIFIED = 0.45  # inbound leads that begin at Qualification
GHOSTED, FORGOTTEN = 0.30, 0.0025  # lost deals nobody closes until a clean-up, and for ever
CLEANS_UP = 0.75  # owners who clean up at a month's end
EDIT_DAILY, EDIT_MOVE, EDIT_SPREAD = 0.004, 0.25, 0.18
EXPECTED_DAYS = np.array([32.0, 76.0, 150.0])
PUSH_DAYS = np.array([18.0, 30.0, 50.0])

# Creation by month, expected growth a year, and the quarters' shares of an annual plan.
SEASON = np.array([0.98, 1.04, 1.08, 1.02, 1.02, 1.00, 0.86, 0.78, 1.14, 1.16, 1.10, 0.82])
CREATION_TREND, PRICE_TREND = 0.02, 0.025
PLAN_GROWTH = 0.04
QUARTER_SHARE = np.array([0.24, 0.255, 0.24, 0.265])
OVER_ASSIGNMENT = 0.15

# People.
SKILL_SPREAD, SKILL_LEAN = 0.36, 0.05  # of the log number of deals a rep opens, and of what they do with them
RAMP_MONTHS, RAMP_SPREAD, RAMP_WIDTH = 5.0, 0.25, 1.3
HIRING_DAYS, HIRING_SPREAD = 60.0, 0.4
SEATS_AT_START, SEATS_OPEN_BY = 0.8, 540  # share of the seats filled on day one; the others open within so many days
MARKET_DAYS = 150.0  # time scale on which the market returns to its mean
TRAINING = "Negotiation workshop"
TRAINING_COST = 1_200.0
TRAINING_DAYS = (440, 650, 860, 1070)  # days after the start, a region after the other


@dataclass(frozen=True, slots=True)
class Character:
    """How rough the company's world is.

    Parameters
    ----------
    creation_sd, conversion_sd : float
        Long-run sd of the market's effect on log creation and on the drift of interest.
    attrition : float
        Leavers a year, as a rate for each rep.
    tail : float
        Mean of the exponential boost of the log amount for one deal in 20: the heavy tail.
    """

    creation_sd: float
    conversion_sd: float
    attrition: float
    tail: float


@dataclass(frozen=True, slots=True)
class Size:
    """How large the company is: seats, regions, leaf territories and deals a fully ramped rep opens in a year."""

    reps: int
    regions: int
    leaves: int
    deals_per_rep: float


CHARACTERS: Mapping[CharacterName, Character] = {
    "calm": Character(0.04, 0.015, 0.15, 0.35),
    "ordinary": Character(0.11, 0.04, 0.30, 0.50),
    "stormy": Character(0.25, 0.10, 0.42, 0.80),
    "tiny": Character(0.11, 0.04, 0.25, 0.50),
}

SIZES: Mapping[str, Size] = {
    "tiny": Size(5, 2, 3, 32.0),
    "small": Size(8, 2, 4, 43.0),
    "medium": Size(40, 4, 12, 92.0),
    "large": Size(200, 4, 40, 184.0),
}
