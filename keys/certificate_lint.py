"""A certificate is read before it is signed: every rule of `lint_rules.py` over the very bytes that would be.

As Boulder does it, what is examined is a whole certificate, signed by a key that is thrown away: nothing that a rule
refuses is ever under the authority's own signature, where it could be used however quickly it was revoked. The bytes to
be signed are the same octets, so what was read is what is issued.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import x509 as asn1

from keys.algorithms import algorithm_named
from keys.errors import CertificateError
from keys.examined import Examined, examine
from keys.lint_rules import RULES, Check
from keys.profiles import Profile
from keys.software_signer import SoftwareSigner


@dataclass(frozen=True)
class Finding:
    """A rule that does not hold."""

    section: str
    says: str

    def __str__(self) -> str:
        return f"{self.section}: {self.says}"


class LintError(CertificateError):
    """What would be issued breaks rules; each is named with its section. Nothing was signed."""

    def __init__(self, profile: str, findings: list[Finding]) -> None:
        super().__init__(f"profile {profile}: " + "; ".join(map(str, findings)))
        self.findings = findings


def check_before_signing(
    tbs: asn1.TbsCertificate, profile: Profile, *, algorithm: str, issuer: asn1.Certificate | None
) -> None:
    """Raises LintError. `algorithm` is the issuer's; `issuer` is None for a root, which will sign itself."""
    key = thrown_away(algorithm)
    parts = {
        "tbs_certificate": tbs,
        "signature_algorithm": algorithm_named(algorithm).x509_identifier,
        "signature_value": key.sign_x509(tbs.dump()),
    }
    findings = list(lint(asn1.Certificate(parts).dump(), profile, issuer))
    if findings:
        raise LintError(profile.name, findings)


def lint(encoded: bytes, profile: Profile, issuer: asn1.Certificate | None) -> Iterator[Finding]:
    """Each rule that this certificate breaks; a certificate that does not read is one finding."""
    try:
        examined = examine(encoded, profile, issuer)
    except (ValueError, TypeError, KeyError) as error:
        yield Finding("RFC 5280 section 4.1", f"a certificate in DER ({error})")
        return
    for rule in RULES:
        if rule.applies(examined) and not holds(rule.holds, examined):
            yield Finding(rule.section, rule.says)


def holds(rule: Check, examined: Examined) -> bool:
    """What a rule cannot even read, it refuses."""
    try:
        return bool(rule(examined))
    except Exception:  # noqa: BLE001 - whatever a parser makes of it, it is not signed
        return False


@lru_cache
def thrown_away(algorithm: str) -> SoftwareSigner:
    """A key of the issuer's algorithm that nobody trusts and that is never written anywhere."""
    named = algorithm_named(algorithm)
    return SoftwareSigner(named.generate(), named)
