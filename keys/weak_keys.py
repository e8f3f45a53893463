"""Public keys that nobody may be certified for, beyond their size: SP 800-56B section 6.4, SP 800-89 section 5.3.3.

What is found here is found from the public key alone, as CA/Browser Forum's baseline section 6.1.1.3 asks: RSA moduli
of a broken generator (ROCA, CVE-2017-15361), with a small factor, of two primes that lie too close together (Fermat),
with an exponent that is even, small or huge; and keys whose private half is printed in a standard.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd, isqrt, prod

from cryptography.hazmat.primitives.asymmetric import rsa

from keys.algorithms import PublicKey, check_new_public_key
from keys.errors import CertificateError
from keys.jwks import thumbprint

LARGEST_RSA_BITS = 8192  # a larger one costs every verifier, and us first
SMALLEST_EXPONENT, LARGEST_EXPONENT_BITS = 65537, 256
SMALL_PRIME_LIMIT = 752  # Boulder tries these; a product of two large primes has none
ROCA_LIMIT = 168  # the generator's smallest primorial is of the 39 primes below
FERMAT_ROUNDS = 100

# RFC 7638 thumbprints of keys printed with their private half: RFC 7515 A.3, RFC 7517 A.2, RFC 8037 A.1 (RFC 8032 test
# 1), RFC 6979 A.2.5 and A.2.6, RFC 9500 section 2.3 (P-256, P-384).
PRINTED: frozenset[str] = frozenset(
    {
        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
        "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
        "DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0",
        "l2tfkSzhekdOr24I18E1O_-49AlK14MTo7OxJMS7-HI",
        "LIstkoCvByn4jk8oZPvigQkzTzO9UwnGnE-VMlkZvYQ",
        "TLOWIUBG7ALE2U13WMeEAErmpD48gp8MllKbX_zBARE",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    }
)


def check_public_key(key: object) -> PublicKey:
    """Returns the key; raises KeystoreError for what is too small or of another algorithm, CertificateError for what is
    known to be bad.
    """
    checked = check_new_public_key(key)
    if thumbprint(checked) in PRINTED:
        raise CertificateError("this key is printed in a standard, with its private half: make another")
    if isinstance(checked, rsa.RSAPublicKey):
        check_rsa(checked.public_numbers().n, checked.public_numbers().e)
    return checked


def check_rsa(n: int, e: int) -> None:
    """Raises CertificateError that says what is wrong with the modulus or the exponent."""
    if n.bit_length() > LARGEST_RSA_BITS:
        raise CertificateError(f"an RSA key has at most {LARGEST_RSA_BITS} bits here")
    if e % 2 == 0 or e < SMALLEST_EXPONENT or e.bit_length() > LARGEST_EXPONENT_BITS:
        raise CertificateError("the RSA exponent must be odd, and from 65537 to 256 bits")
    if gcd(n, prod(small_primes(SMALL_PRIME_LIMIT))) != 1:
        raise CertificateError("the RSA modulus has a small factor")
    if is_roca(n):
        raise CertificateError("the RSA key is of a generator that is broken (ROCA, CVE-2017-15361)")
    if has_close_primes(n):
        raise CertificateError("the RSA modulus is of two primes that lie too close together")


def is_roca(n: int) -> bool:
    """Its primes are k * M + 65537^a mod M: modulo each small prime the modulus is a power of 65537."""
    return all(n % prime in powers_of_65537(prime) for prime in small_primes(ROCA_LIMIT) if prime > 2)  # noqa: PLR2004


def has_close_primes(n: int) -> bool:
    """Fermat's way: n = a^2 - b^2 with a little above the root of n."""
    a = isqrt(n - 1) + 1
    for _ in range(FERMAT_ROUNDS):
        square = a * a - n
        if isqrt(square) ** 2 == square:
            return True
        a += 1
    return False


@lru_cache
def small_primes(limit: int) -> tuple[int, ...]:
    return tuple(n for n in range(2, limit) if all(n % d for d in range(2, isqrt(n) + 1)))


@lru_cache
def powers_of_65537(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))
