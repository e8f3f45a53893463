"""A client's certificate, RFC 8705 section 2: whose it is, and whether an authority that we trust says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from core.settings import SettingsError

Names = Callable[[x509.Certificate], Iterable[str]]

# Section 2.1 asks for a chain; a subject alternative name only where the client registered one. What else the Web PKI
# wants of a leaf (clientAuth in extendedKeyUsage, no CA, good keys and hashes) is wanted here too.
LEAF = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
ISSUER = ExtensionPolicy.webpki_defaults_ca()


class BadCertificate(ValueError):
    """The certificate is not what it must be; the message is safe for whoever sent it."""


def read_certificate(der: bytes) -> x509.Certificate:
    """Raises BadCertificate for what is no certificate, or one whose parts cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.extensions  # noqa: B018 - they are read only now
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise BadCertificate("the certificate cannot be read") from error
    return certificate


def check_issued(certificate: x509.Certificate, authorities: tuple[x509.Certificate, ...], now: datetime) -> None:
    """RFC 5280 section 6, for clients. Without any authority nothing is trusted."""
    if not authorities:
        raise BadCertificate("no authority is trusted here to certify clients")
    builder = PolicyBuilder().store(Store(list(authorities))).time(now.replace(tzinfo=None))
    verifier = builder.extension_policies(ca_policy=ISSUER, ee_policy=LEAF).build_client_verifier()
    try:
        verifier.verify(certificate, [])
    except VerificationError as error:
        raise BadCertificate("no authority that is trusted here certifies it now for client authentication") from error


def load_authorities(path: Path | None) -> tuple[x509.Certificate, ...]:
    """The authorities that certify clients: one PEM file, or every one in a folder. Raises SettingsError."""
    if path is None:
        return ()
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    try:
        found = tuple(each for file in files for each in x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise SettingsError("PRAJAK_MTLS_TRUST must be a PEM file or a folder of them") from error
    if not found:
        raise SettingsError("PRAJAK_MTLS_TRUST holds no certificate; leave it empty to take self-signed ones alone")
    return found


def dns_names(certificate: x509.Certificate) -> Iterable[str]:
    return alternative_names(certificate).get_values_for_type(x509.DNSName)


def uris(certificate: x509.Certificate) -> Iterable[str]:
    return alternative_names(certificate).get_values_for_type(x509.UniformResourceIdentifier)


def mail_addresses(certificate: x509.Certificate) -> Iterable[str]:
    return alternative_names(certificate).get_values_for_type(x509.RFC822Name)


def network_addresses(certificate: x509.Certificate) -> Iterable[str]:
    return [str(each) for each in alternative_names(certificate).get_values_for_type(x509.IPAddress)]


def alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


ALTERNATIVE_NAMES: Mapping[str, Names] = {  # section 2.1.2
    "tls_client_auth_san_dns": dns_names,
    "tls_client_auth_san_uri": uris,
    "tls_client_auth_san_ip": network_addresses,
    "tls_client_auth_san_email": mail_addresses,
}


def check_subject(certificate: x509.Certificate, metadata: Mapping[str, object]) -> None:
    """Section 2.1.2: the one name that the client registered is in the certificate."""
    wanted = metadata.get("tls_client_auth_subject_dn")
    if isinstance(wanted, str):
        fits = is_same_name(certificate.subject, wanted)
    else:
        fits = any(has_name(certificate, field, metadata.get(field)) for field in ALTERNATIVE_NAMES)
    if not fits:
        raise BadCertificate("the certificate names another subject than the one registered")


def has_name(certificate: x509.Certificate, field: str, wanted: object) -> bool:
    names = ALTERNATIVE_NAMES[field](certificate)
    return isinstance(wanted, str) and comparable(field, wanted) in {comparable(field, each) for each in names}


def comparable(field: str, value: str) -> str:
    """RFC 5280 section 7: hosts without regard to case, addresses as numbers, URIs and mail as they stand, save the
    host of a mail address.
    """
    if field == "tls_client_auth_san_dns":
        return value.lower()
    if field == "tls_client_auth_san_ip":
        return str(ip_address(value))
    if field == "tls_client_auth_san_email":
        local, _, host = value.rpartition("@")
        return f"{local}@{host.lower()}"
    return value


class AttributeTypes(Mapping[str, x509.ObjectIdentifier]):
    """RFC 4514 sections 2.3 and 3: short names of attribute types, which RFC 4512 section 1.4 reads in any case."""

    def __getitem__(self, name: str) -> x509.ObjectIdentifier:
        return ATTRIBUTE_TYPES[name.upper()]

    def __iter__(self) -> Iterator[str]:
        return iter(ATTRIBUTE_TYPES)

    def __len__(self) -> int:
        return len(ATTRIBUTE_TYPES)


ATTRIBUTE_TYPES: Mapping[str, x509.ObjectIdentifier] = {
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    # beyond the table, as OpenSSL writes them
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
}


def read_name(written: str) -> x509.Name:
    """RFC 4514 section 3. Raises ValueError."""
    return x509.Name.from_rfc4514_string(written, AttributeTypes())


def is_same_name(name: x509.Name, written: str) -> bool:
    """RFC 4514 in writing, RFC 4517 section 4.2.15 in comparing: part by part, and texts by caseIgnoreMatch."""
    try:
        wanted = read_name(written)
    except ValueError:
        return False
    return parts_of(name) == parts_of(wanted)


def parts_of(name: x509.Name) -> list[frozenset[tuple[str, str | bytes]]]:
    return [frozenset((each.oid.dotted_string, folded(each.value)) for each in rdn) for rdn in name.rdns]


def folded(value: str | bytes) -> str | bytes:
    return value if isinstance(value, bytes) else " ".join(value.split()).casefold()
