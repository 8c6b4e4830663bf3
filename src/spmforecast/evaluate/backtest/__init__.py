"""Backtest: the model against what users do already, on their own past, with only what was known."""
