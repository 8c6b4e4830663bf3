"""What a company without recorded deals may book: levels of reps, season and market, orders drawn one by one."""

from spmforecast.simulate.bookings.block import simulate_booking_block
from spmforecast.simulate.bookings.inputs import BookingInputs, build_booking_inputs

__all__ = ["BookingInputs", "build_booking_inputs", "simulate_booking_block"]
