"""Amount laws: empirical, shrunk where few, right in the mean, and equivariant in the unit of money."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import profiles_of
from spmforecast.data.tables import empty_frame
from spmforecast.models.amounts import AmountLaw, fit_amounts

EVENTS = empty_frame("stage_history")


def deals_of(amount, status="won"):
    amount = np.asarray(amount, dtype=float)
    status = [status] * len(amount) if isinstance(status, str) else status
    return pd.DataFrame({"opportunity_id": [f"D{i}" for i in range(len(amount))], "amount": amount, "status": status})


def events_of(deals, amount, date="2024-01-10"):
    rows = EVENTS.reindex(range(len(deals))).assign(
        opportunity_id=deals["opportunity_id"].to_numpy(), stage="A", amount=np.asarray(amount, dtype=float)
    )
    return rows.assign(entered_date=pd.Timestamp(date))


@pytest.fixture(scope="module")
def two_segments():
    rng = np.random.default_rng(6)
    segment = np.repeat([0, 1], [400, 100])
    amount = np.exp(rng.normal(np.where(segment == 0, 9.0, 11.0), 0.7))
    return deals_of(amount), profiles_of(segment)


def test_drawing_follows_the_quantiles():
    law = AmountLaw(np.stack([np.linspace(0, 1, 2048), np.full(2048, 3.0)]))
    u = np.linspace(0.001, 0.999, 50)
    np.testing.assert_allclose(law.draw(0, u), u, atol=1e-3)
    assert (law.draw(1, u) == 3.0).all()
    np.testing.assert_allclose(law.mean(), [np.expm1(1.0), np.exp(3.0)], rtol=1e-3)


def test_draws_rise_with_the_uniform_and_stay_within_what_was_seen(two_segments):
    deals, profiles = two_segments
    law = fit_amounts(deals, EVENTS, profiles).won
    for row in (0, 1):
        drawn = law.draw(row, np.linspace(0, 1 - 1e-9, 500))
        assert (np.diff(drawn) >= 0).all()
        assert np.isfinite(drawn).all()


def test_means_are_those_of_the_amounts_not_exp_of_a_mean_log(two_segments):
    deals, profiles = two_segments
    model = fit_amounts(deals, EVENTS, profiles)
    amount = deals["amount"].to_numpy()
    for row in (0, 1):
        own = amount[profiles.segment_of_deal == row]
        assert model.won.mean()[row] == pytest.approx(own.mean(), rel=0.1)
        assert np.exp(np.log(own).mean()) < 0.85 * model.won.mean()[row]
    assert model.deals.tolist() == [400, 100]


def test_another_unit_of_money_only_shifts_the_laws(two_segments):
    deals, profiles = two_segments
    one = fit_amounts(deals, EVENTS, profiles)
    other = fit_amounts(deals.assign(amount=deals["amount"] * 4), EVENTS, profiles)
    np.testing.assert_allclose(other.won.log_quantiles, one.won.log_quantiles + np.log(4), atol=1e-9)
    np.testing.assert_allclose(other.location_sd, one.location_sd)


def test_order_of_the_deals_does_not_matter(two_segments):
    deals, profiles = two_segments
    order = np.random.default_rng(1).permutation(len(deals))
    again = fit_amounts(deals.iloc[order], EVENTS, profiles_of(profiles.segment_of_deal[order]))
    one = fit_amounts(deals, EVENTS, profiles)
    np.testing.assert_allclose(again.won.log_quantiles, one.won.log_quantiles, atol=1e-12)


def test_small_segments_lean_on_the_pool():
    amount = np.concatenate([np.full(200, 1000.0), np.full(5, 64000.0), []])
    model = fit_amounts(deals_of(amount), EVENTS, profiles_of(np.repeat([0, 1], [200, 5]), segments=3))
    median = np.exp(model.won.draw(1, np.array([0.5])))[0]
    assert 1000.0 < median < 64000.0
    assert (np.diff(model.shrinkage) > 0).all()
    assert model.shrinkage[2] == 1.0
    assert model.location_sd[0] < model.location_sd[1:].min()
    # A segment without wins lies between the others, not where most deals are: its own is anybody's guess.
    assert np.log(1000.0) < model.won.log_quantiles[2].mean() < np.log(64000.0)


def test_few_deals_scatter_as_much_as_the_deals_that_they_stand_for():
    log = np.array([7.0, 8.0, 8.5, 9.5])
    model = fit_amounts(deals_of(np.exp(log)), EVENTS, profiles_of(np.zeros(4)))
    assert model.won.log_quantiles[0].mean() == pytest.approx(log.mean())
    assert model.won.log_quantiles[0].var() == pytest.approx(log.var(ddof=1))


@pytest.mark.parametrize("few", [1, 2, 5])
def test_few_deals_of_one_price_do_not_foretell_a_higher_one(few):
    """Their location leans on that of the others, so that all of them lie above it; that is no scatter."""
    amount, segment = np.repeat([1000.0, 64000.0], [200, few]), np.repeat([0, 1], [200, few])
    model = fit_amounts(deals_of(amount), EVENTS, profiles_of(segment))
    assert model.won.log_quantiles[1].max() == pytest.approx(np.log(64000.0))


def test_segments_that_differ_keep_their_own_location_and_alike_ones_share(two_segments):
    rng = np.random.default_rng(2)
    segment = np.repeat(np.arange(8), 20)
    for spread, low, high in ((2.0, 0.0, 0.02), (0.0, 0.15, 1.0)):
        amount = np.exp(rng.normal(9.0 + spread * segment, 0.7))
        shrinkage = fit_amounts(deals_of(amount), EVENTS, profiles_of(segment)).shrinkage
        assert (shrinkage >= low).all()
        assert (shrinkage <= high).all()


def test_prices_that_rise_are_carried_to_the_end_of_the_record_but_leaning_on_none():
    close = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.arange(3000) % 1096, unit="D")
    years = (np.arange(3000) % 1096) / 365.25
    deals = deals_of(np.exp(9.0 + 0.10 * years)).assign(close_date=close)
    model = fit_amounts(deals, EVENTS, profiles_of(np.zeros(3000)))
    assert model.trend == pytest.approx(0.10, rel=0.05)
    assert model.won.mean()[0] == pytest.approx(np.exp(9.3), rel=0.01)
    few = fit_amounts(deals.iloc[::400], EVENTS, profiles_of(np.zeros(8)))
    assert 0 < few.trend < 0.08


def test_an_early_stage_still_has_its_discount_to_come():
    deals = deals_of(np.full(2000, 90.0))
    early, late = events_of(deals, np.full(2000, 100.0)), events_of(deals, np.full(2000, 90.0), "2024-02-10")
    events = pd.concat([early, late.assign(stage="B")], ignore_index=True)
    model = fit_amounts(deals, events, profiles_of(np.zeros(2000)))
    shift = model.stage_shift(("A", "B", "C"))
    assert shift[0] == pytest.approx(np.log(0.9), abs=0.01)
    assert shift[1:] == pytest.approx([0.0, 0.0])


def test_only_won_deals_count_where_there_are_any():
    mixed = deals_of([100.0] * 30 + [9000.0] * 30, ["won"] * 30 + ["lost"] * 30)
    model = fit_amounts(mixed, EVENTS, profiles_of(np.zeros(60)))
    assert model.won.mean()[0] == pytest.approx(100.0)
    assert model.deals.tolist() == [30]


def test_without_wins_any_amount_tells_more_than_none():
    still_open = deals_of([100.0] * 30, "open")
    assert fit_amounts(still_open, EVENTS, profiles_of(np.zeros(30))).won.mean()[0] == pytest.approx(100.0)
    unknown = deals_of([np.nan] * 30, "open")
    nothing = fit_amounts(unknown, EVENTS, profiles_of(np.zeros(30)))
    assert np.isfinite(nothing.won.log_quantiles).all()
    assert nothing.won.mean()[0] < 1.0


def test_final_amounts_against_earlier_ones():
    deals = deals_of(np.full(2000, 300.0))
    model = fit_amounts(deals, events_of(deals, np.full(2000, 100.0)), profiles_of(np.zeros(2000)))
    assert model.ratio_deals == 2000
    assert model.ratio.draw(0, np.array([0.5]))[0] == pytest.approx(np.log(3))
    # Some weight stays on no change, whatever the deals say.
    assert model.ratio.draw(0, np.array([0.001]))[0] == 0.0


def test_the_latest_amount_before_the_end_counts_wherever_its_row_stands():
    deals = deals_of(np.full(2000, 400.0))
    early, late = events_of(deals, np.full(2000, 100.0)), events_of(deals, np.full(2000, 200.0), "2024-02-10")
    for events in ([early, late], [late, early]):
        model = fit_amounts(deals, pd.concat(events, ignore_index=True), profiles_of(np.zeros(2000)))
        assert model.ratio_deals == 2000
        assert model.ratio.draw(0, np.array([0.5]))[0] == pytest.approx(np.log(2))


def test_ratio_takes_one_figure_a_deal_and_bears_typing_errors():
    deals = deals_of([200.0, 1e12])
    events = pd.concat([events_of(deals, [50.0, 1.0]), events_of(deals, [100.0, 1.0], "2024-02-10")])
    model = fit_amounts(deals, events, profiles_of([0, 0]))
    assert model.ratio_deals == 2
    assert model.ratio.log_quantiles.max() <= 3.0
    assert np.log(2) in model.ratio.log_quantiles


def test_without_earlier_amounts_nothing_changes_until_the_end():
    model = fit_amounts(deals_of([100.0, 200.0]), EVENTS, profiles_of([0, 0]))
    assert model.ratio_deals == 0
    assert (model.ratio.log_quantiles == 0).all()


def test_the_error_of_a_mean_is_what_repeated_companies_show():
    rng = np.random.default_rng(17)
    off, said = [], []
    for _ in range(300):
        amount = np.exp(rng.normal(9.0, 0.9, 60))
        model = fit_amounts(deals_of(amount), EVENTS, profiles_of(np.zeros(60)))
        off.append(np.log(model.won.mean()[0]) - (9.0 + 0.9**2 / 2))
        said.append((model.location_sd[0], model.mean_sd[0]))
    location, mean = np.mean(said, axis=0)
    assert np.std(off) == pytest.approx(mean, rel=0.1)
    assert np.std(off) > 1.1 * location
