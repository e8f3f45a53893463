"""Keys of good size that protect nothing: RSA moduli that can be factored, and keys whose private half is printed in a
specification. FAPI 2.0 Security Profile section 5.4.1 wants strength, not length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

EXPONENT = 65537
FERMAT_STEPS = 100  # finds primes whose difference is tiny; CVE-2022-26320
SMALL = 2000
ROCA_PRIMES = tuple(p for p in range(3, 168) if all(p % q for q in range(2, p)))  # CVE-2017-15361
PRINTED = frozenset({  # RFC 7638 thumbprints
    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",  # RFC 7517 A.2, RFC 7638 3.1
    "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",  # RFC 7517 A.2
    "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",  # RFC 7515 A.3
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",  # RFC 8037 A.3
})  # fmt: skip


def why_weak(thumbprint: str, modulus: int) -> str:
    """Empty for a key that is not known to be weak. `modulus` is 0 for a key that is not RSA."""
    if thumbprint in PRINTED:
        return "its private half is printed in a specification"
    if modulus and (math.gcd(modulus, small_primes()) != 1 or has_close_primes(modulus) or is_roca(modulus)):
        return "its modulus can be factored; make a new key with another tool"
    return ""


@cache
def small_primes() -> int:
    return math.prod(p for p in range(2, SMALL) if all(p % q for q in range(2, math.isqrt(p) + 1)))


def has_close_primes(modulus: int) -> bool:
    """Fermat's factorization."""
    middle = math.isqrt(modulus - 1) + 1
    return any(math.isqrt(rest) ** 2 == rest for rest in fermat_rests(modulus, middle))


def fermat_rests(modulus: int, middle: int) -> Iterator[int]:
    return (each * each - modulus for each in range(middle, middle + FERMAT_STEPS))


def is_roca(modulus: int) -> bool:
    """Primes of the form k*M + (65537^a mod M): the modulus is a power of 65537 by every small prime. By chance that
    happens once in 2^27 keys.
    """
    return all(modulus % prime in powers(prime) for prime in ROCA_PRIMES)


@cache
def powers(prime: int) -> frozenset[int]:
    return frozenset(pow(EXPONENT, exponent, prime) for exponent in range(prime - 1))
