"""Playwright's event loop is running in the tests' own thread: what brings a loop of its own runs in another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_a_thread(call: Callable[[], T]) -> T:
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(call).result()
