"""The `prajak` command, a file for each group of calls. What touches signing stands in `idp/cli.py`, its only door."""
