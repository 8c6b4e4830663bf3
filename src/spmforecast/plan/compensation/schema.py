"""The keys of a compensation plan's file, as people write them; every number is read from its text, exactly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from spmforecast.plan.compensation.terms import Size

__all__ = [
    "AcceleratorText",
    "ComponentText",
    "DeceleratorText",
    "MeasureText",
    "MultiplierText",
    "PlanText",
    "SpifText",
    "TierText",
]

_MOST = Fraction(10**13)  # hundredths: beyond a hundred thousand million, floats no longer hold every cent of a year


def _number(value: Any) -> tuple[Fraction, bool]:
    """Read ``100_000``, ``0.08`` or ``50%`` as written."""
    text = str(value).strip().replace("_", "").replace(" ", "")
    try:
        number = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or len(number.as_tuple().digits) > 18 or abs(number.adjusted()) > 18:
        raise ValueError("not a number: Write an amount such as 100_000, or a share such as 50%.")
    share = text.endswith("%")
    return Fraction(number) / (100 if share else 1), share


def _size(value: Any) -> Size:
    number, share = _number(value)
    if number < 0:
        raise ValueError("must not be negative: Write 0 or more.")
    size = Size(number if share else number * 100, share)
    if size.value > _MOST:
        raise ValueError("too large: Write it in whole units of the currency.")
    return size


def _money(value: Any) -> Fraction:
    size = _size(value)
    if size.share:
        raise ValueError("an amount is expected here: Write it without a percent sign.")
    return size.value


def _plain(value: Any) -> Fraction:
    number, _ = _number(value)
    if number < 0:
        raise ValueError("must not be negative: Write 0 or more.")
    return number


def _rate(value: Any) -> Fraction:
    number, share = _number(value)
    if number < 0:
        raise ValueError("must not be negative: Write 0 or more.")
    if number > 1 and not share:
        raise ValueError("a rate above 100 %: Write 8 % as 8% or 0.08.")
    return number


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _nested(key: str) -> BeforeValidator:
    """Let a bare value stand for the main key of its section."""
    return BeforeValidator(lambda value: value if isinstance(value, dict) else {key: value})


SizeText = Annotated[Size, BeforeValidator(_size)]
MoneyText = Annotated[Fraction, BeforeValidator(_money)]
PlainText = Annotated[Fraction, BeforeValidator(_plain)]
RateText = Annotated[Fraction, BeforeValidator(_rate)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TierText(_Strict):
    """From a bound on, a rate of its own or a multiple of the base rate."""

    start: SizeText = Field(alias="from")
    multiplier: PlainText | None = None
    rate: RateText | None = None
    each: MoneyText | None = None
    retroactive: bool | None = None


class AcceleratorText(_Strict):
    """A higher multiple of the base rate from a bound on."""

    above: SizeText
    multiplier: PlainText
    retroactive: bool = False


class DeceleratorText(_Strict):
    """A lower multiple of the base rate up to a bound."""

    below: SizeText
    multiplier: PlainText


class PointText(_Strict):
    """A point of a payout curve."""

    at: SizeText
    pay: SizeText


class ThresholdText(_Strict):
    """Where pay begins."""

    at: SizeText
    pays: Literal["from-first-dollar", "above-threshold"] = "from-first-dollar"


class ComponentText(_Strict):
    """One source of pay."""

    name: str = Field(min_length=1)
    measure: str = "bookings"
    rate: RateText | None = None
    each: MoneyText | None = None
    target_incentive: MoneyText | None = None
    weight: PlainText | None = None
    basis: Literal["discrete", "year-to-date"] = "discrete"
    quota: Literal["year", "to-date"] = "year"
    threshold: Annotated[ThresholdText, _nested("at")] | None = None
    tiers: tuple[TierText, ...] = ()
    tier_rule: Literal["marginal", "retroactive"] = "marginal"
    accelerators: Annotated[tuple[AcceleratorText, ...], BeforeValidator(_listed)] = ()
    decelerators: Annotated[tuple[DeceleratorText, ...], BeforeValidator(_listed)] = ()
    curve: tuple[PointText, ...] = ()
    beyond: Literal["flat", "extend"] = "flat"
    minimum: SizeText | None = None
    cap: SizeText | None = None


class SpifText(_Strict):
    """A fixed amount for each unit of a measure, such as a new logo."""

    name: str = Field(min_length=1)
    measure: str
    each: MoneyText | None = None
    rate: RateText | None = None
    at_most: PlainText | None = None


class MeasureText(_Strict):
    """What is credited: the amount of deals or their number, some of them or all."""

    total: Literal["amount"] | None = Field(default=None, alias="sum")
    count: Literal["deals"] | None = None
    where: dict[str, Texts] = {}
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="until")


class StepText(_Strict):
    """A point of a multiplier."""

    at: SizeText
    times: PlainText


class MultiplierText(_Strict):
    """Pay multiplied by what another measure's attainment says."""

    name: str = Field(min_length=1)
    measure: str
    steps: tuple[StepText, ...] = Field(min_length=1)
    between: Literal["linear", "step"] = "linear"
    on: Texts = ()


class CapText(_Strict):
    """Most that the whole plan pays."""

    at: SizeText
    per: Literal["period", "year"] = "period"


class DrawText(_Strict):
    """A guaranteed pay of each period."""

    amount: MoneyText
    recoverable: bool = True
    periods: int | None = Field(default=None, ge=1)


class ClawbackText(_Strict):
    """What happens to pay for deals that are cancelled later."""

    method: Literal["recompute", "none"] = "recompute"
    within: int | None = Field(default=None, ge=0)


class CreditText(_Strict):
    """How deals become credit."""

    deal_cap: MoneyText | None = None
    splits: Literal["sum-to-one", "overlay"] = "sum-to-one"


class PlanText(_Strict):
    """All keys of a compensation plan."""

    name: str = Field(min_length=1)
    currency: str = ""
    period: Literal["month", "quarter", "year"] = "quarter"
    rounding: Literal["line", "total"] = "line"
    target_incentive: MoneyText | None = None
    measures: dict[str, MeasureText] = {}
    components: tuple[ComponentText, ...]
    spifs: tuple[SpifText, ...] = ()
    multipliers: tuple[MultiplierText, ...] = ()
    cap: Annotated[CapText, _nested("at")] | None = None
    draw: DrawText | None = None
    clawback: Annotated[ClawbackText, _nested("method")] = ClawbackText()
    credit: CreditText = CreditText()
