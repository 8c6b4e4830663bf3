"""``python -m spmforecast.cli`` does what ``spmforecast`` does."""

from spmforecast.cli import main

main()
