"""The number of threads of the linear algebra library changes no byte of a fit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_LANDMARKS = """
import hashlib
import numpy as np
from spmforecast.models.landmarks import Landmark, fit_landmarks
rng = np.random.default_rng(5)
marks = []
for _ in range(4):
    x, chance = rng.normal(size=(6000, 14)), rng.uniform(0.05, 0.4, (6000, 1))
    marks.append(Landmark(x, chance, (rng.random((6000, 1)) < chance * np.exp(0.2 * x[:, :1])) * 1.0, np.array([0])))
fit = fit_landmarks(marks)
print(hashlib.sha256(fit.coefficients.tobytes() + fit.root.tobytes()).hexdigest())
"""

_FORECAST = """
import hashlib
import spmforecast as spm
history = spm.read_history(spm.ExampleCompany(seed=3, size="medium").tables())
model = spm.PipelineModel().fit(history, as_of="2025-06-30")
draws = spm.simulate(model, until="2025-12-31", trials=64, seed=1).draws
print(hashlib.sha256(draws.tobytes()).hexdigest())
"""


def digest(script: str, threads: int) -> str:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_corrections_at_landmarks():
    assert digest(_LANDMARKS, 1) == digest(_LANDMARKS, 2)


@pytest.mark.slow
def test_whole_forecast_of_a_medium_company():
    assert digest(_FORECAST, 1) == digest(_FORECAST, 2)
