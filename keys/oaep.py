"""The padding of RSAES-OAEP with SHA-256 and an empty label, taken off: RFC 8017 section 7.1.2 step 3.

For tokens that do the RSA operation alone. Manger's attack (the note there) needs to learn whether the first byte was
zero: so all is computed before anything is judged, the faults are gathered without a branch, and there is one error.
"""

from __future__ import annotations

from hashlib import sha256

from keys.errors import DecryptionError

HASH_BYTES = 32
EMPTY_LABEL = sha256(b"").digest()


def unpadded(encoded: bytes) -> bytes:
    """`encoded` is as long as the modulus, leading zero too. DecryptionError for all that is wrong."""
    first, masked_seed, masked_block = encoded[0], encoded[1 : 1 + HASH_BYTES], encoded[1 + HASH_BYTES :]
    seed = xor(masked_seed, mask(masked_block, HASH_BYTES))
    block = xor(masked_block, mask(seed, len(masked_block)))
    wrong = first | difference(block[:HASH_BYTES], EMPTY_LABEL)
    end, looking = 0, 1
    for index in range(HASH_BYTES, len(block)):
        is_one, is_zero = int(block[index] == 1), int(block[index] == 0)
        end += index * (looking & is_one)
        wrong |= looking & (1 - is_one) & (1 - is_zero)
        looking &= is_zero
    if wrong | looking:
        raise DecryptionError("the encrypted key does not open")
    return block[end + 1 :]


def mask(seed: bytes, length: int) -> bytes:
    """MGF1, appendix B.2.1."""
    blocks = (sha256(seed + counter.to_bytes(4, "big")).digest() for counter in range(-(-length // HASH_BYTES)))
    return b"".join(blocks)[:length]


def xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def difference(left: bytes, right: bytes) -> int:
    found = 0
    for one, other in zip(left, right, strict=True):
        found |= one ^ other
    return found
