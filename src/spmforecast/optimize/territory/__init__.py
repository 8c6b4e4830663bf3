"""Territories: accounts given to reps under limits, with a bound that proves how good the answer is."""
