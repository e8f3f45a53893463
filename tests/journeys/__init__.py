"""The three journeys, walked in real Chromium against the processes that `make run` starts."""
