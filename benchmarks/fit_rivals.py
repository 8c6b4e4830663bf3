"""What the fit is measured against: row-level Weibull regressions by lifelines, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

WANTED = "lifelines==0.30.0"

LIFELINES = """
import sys, time, warnings
import numpy as np, pandas as pd
from lifelines import WeibullAFTFitter, __version__
warnings.simplefilter("ignore")
data = np.load(sys.argv[1])
wanted = int(sys.argv[2])
stage, to, duration = data["stage"], data["to"], data["duration"]
dummies = {}
for name in ("segment", "band"):
    for level in np.unique(data[name])[1:]:
        dummies[f"{name}_{level}"] = (data[name] == level).astype(float)
covariates = pd.DataFrame(dummies)
spent, rows, fits = 0.0, 0, 0
for s in np.unique(stage):
    here = np.flatnonzero(stage == s)
    for j in np.unique(to[here]):
        seen = (to[here] == j).astype(int)
        if j < 0 or seen.sum() < wanted:
            continue
        frame = covariates.iloc[here].reset_index(drop=True)
        frame["T"], frame["E"] = duration[here] + 0.5, seen
        fitter = WeibullAFTFitter()
        start = time.process_time()
        fitter.fit(frame, duration_col="T", event_col="E")
        spent += time.process_time() - start
        rows, fits = rows + len(here), fits + 1
print(__version__, fits, rows, spent)
"""


def environment(folder: Path) -> Path:
    """Make an environment that holds lifelines, unless it is there; return its interpreter."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", WANTED], check=True)
    return python


def lifelines(python: Path, stays: Path, least: int = 100) -> tuple[str, int, int, float]:
    """Fit every transition with so many exits; return version, fits, rows and processor seconds of the fits alone."""
    out = subprocess.run(
        [str(python), "-c", LIFELINES, str(stays), str(least)], capture_output=True, text=True, check=True
    ).stdout.split()
    return out[-4], int(out[-3]), int(out[-2]), float(out[-1])
