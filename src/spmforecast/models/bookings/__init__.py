"""Bookings without deals: what a ledger teaches about levels of reps, season, market and size of orders."""

from spmforecast.models.bookings.model import BookingsModel, FittedBookings

__all__ = ["BookingsModel", "FittedBookings"]
