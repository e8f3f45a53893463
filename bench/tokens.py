"""The signers of a PKCS #11 token against its bare library: SoftHSM2, in a process that knows its configuration.

`python -m bench.tokens URI` prints the rows as JSON; `token_rows` makes a token, asks there, and throws it away.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import MGF, Mechanism, ObjectClass

from bench.row import Row
from bench.signers import MESSAGE, signer_rows
from core.settings import load_settings
from keys.algorithms import algorithm_named
from keys.pkcs11_custody import TokenCustody
from keys.pkcs11_token import module_at
from keys.signer import Signer

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
LABEL, PIN = "bench", "0815-4711"
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 section 9.2: SHA-256
SHA_256_PSS = (Mechanism.SHA256, MGF.SHA256, 32)


def token_rows() -> Iterator[Row]:
    """Nothing where this machine has no SoftHSM2."""
    if not MODULE.exists() or not shutil.which("softhsm2-util"):
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        within = ["env", f"SOFTHSM2_CONF={folder}/softhsm2.conf"]
        make = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]
        subprocess.run([*within, *make], check=True, stdout=subprocess.DEVNULL)
        uri = f"pkcs11:token={LABEL}?module-path={MODULE}&pin-value={PIN}"
        asked = [*within, sys.executable, "-m", "bench.tokens", uri]
        for row in json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout):
            yield Row(**row)


def measured(uri: str) -> Iterator[Row]:
    settings = load_settings({"PRAJAK_SANDBOX": "1", "PRAJAK_KEYS_URL": uri}, Path("none.toml"))
    custody = TokenCustody.open(settings)
    session = module_at(MODULE).library.get_token(token_label=LABEL).open(rw=True)  # logged in as the process is
    return signer_rows(
        "by a token", lambda name: custody.create_signer(algorithm_named(name)), lambda signer: bare(session, signer)
    )


def bare(session: pkcs11.Session, signer: Signer) -> Callable[[], bytes]:
    """The same key, found before; the digest is made outside, as the token wants it."""
    private: Any = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=signer.kid.encode())
    return {
        "ES256": lambda: private.sign(sha256(MESSAGE).digest(), mechanism=Mechanism.ECDSA),
        "ES384": lambda: private.sign(sha384(MESSAGE).digest(), mechanism=Mechanism.ECDSA),
        "PS256": lambda: private.sign(
            sha256(MESSAGE).digest(), mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=SHA_256_PSS
        ),
        "RS256": lambda: private.sign(DIGEST_INFO + sha256(MESSAGE).digest(), mechanism=Mechanism.RSA_PKCS),
        "EdDSA": lambda: private.sign(MESSAGE, mechanism=Mechanism.EDDSA),
    }[signer.algorithm]


if __name__ == "__main__":
    json.dump([asdict(row) for row in measured(sys.argv[1])], sys.stdout)
