"""The example company, small and medium, each made once; its deals that were closed and won."""

from __future__ import annotations

import pandas as pd
import pytest

from spmforecast.data.example import ExampleCompany


@pytest.fixture(scope="session")
def medium():
    return ExampleCompany(seed=7, size="medium").tables()


@pytest.fixture(scope="session")
def small():
    return ExampleCompany(seed=7, size="small").tables()


@pytest.fixture(scope="session")
def closed(medium):
    deals = medium["opportunities"]
    deals = deals[(deals["status"] != "open") & (deals["created_date"] < "2024-07-01")].copy()
    deals["created"], deals["ended"] = pd.to_datetime(deals["created_date"]), pd.to_datetime(deals["close_date"])
    deals["days"] = (deals["ended"] - deals["created"]).dt.days
    return deals


@pytest.fixture(scope="session")
def won(closed):
    return closed[closed["status"] == "won"]
