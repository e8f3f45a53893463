"""What the kernel knows of its clock: adjtimex(2), told by whoever disciplines it (chrony, ntpd, systemd-timesyncd).

Read only. The kernel calls its clock unsynchronised when nobody has corrected it for long, and when it was set.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from datetime import timedelta

TIME_OOP = 3  # a leap second is in progress
TIME_ERROR = 5  # the clock is not synchronised


class Timex(ctypes.Structure):
    """`struct timex` of <sys/timex.h>, as far as it is read; `modes` of 0 changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True)
class Discipline:
    """`largest_error` is the kernel's bound: it grows from one correction to the next."""

    is_synchronised: bool
    largest_error: timedelta
    leap_second: bool = False


def kernel_discipline() -> Discipline:
    """Raises OSError where the kernel does not tell."""
    told = Timex()
    try:
        state = LIBC.adjtimex(ctypes.byref(told))
    except AttributeError as error:
        raise OSError("this system has no adjtimex") from error
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return Discipline(state != TIME_ERROR, timedelta(microseconds=told.maxerror), state == TIME_OOP)


LIBC = ctypes.CDLL(None, use_errno=True)
