"""Appending to a prepared document: evidence (the document security store) and an archive time-stamp, as one
incremental update (ISO 32000-2 sections 7.5.6, 12.8.4.3 and 12.8.5; ETSI EN 319 142-1 sections 5.4 and 5.5).

Nothing is parsed: the continuation, made in the limited child, says where the file goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha1, sha256

from signing.errors import LevelNotReached
from signing.evidence import Evidence
from signing.prepared import Continuation, digest_around

BYTE_RANGE_ROOM = 60


@dataclass
class Update:
    """The objects of one update, each with the place where it begins once written."""

    continuation: Continuation
    next_object: int
    objects: dict[str, bytes]  # by "number generation"

    @classmethod
    def of(cls, continuation: Continuation, objects: dict[str, str]) -> Update:
        return cls(
            continuation, continuation.next_object, {ref: body.encode("latin-1") for ref, body in objects.items()}
        )

    def add(self, body: bytes) -> int:
        number = self.next_object
        self.next_object += 1
        self.objects[f"{number} 0"] = body
        return number


def add_evidence(update: Update, evidence: Evidence, *, signatures: Iterable[bytes]) -> None:
    """Table 261: Certs, OCSPs, CRLs, and for each signature the part of them that is its own (VRI)."""
    known = update.continuation
    certificates = added_streams(update, evidence.certificates, known.certificates)
    ocsps = added_streams(update, evidence.ocsps, known.ocsps)
    crls = added_streams(update, evidence.crls, known.crls)
    vri = dict(known.vri)
    for signature_contents in signatures:
        body = b"<</Type/VRI/Cert%s%s%s>>" % (
            references(certificates),
            b"/OCSP" + references(ocsps) if ocsps else b"",
            b"/CRL" + references(crls) if crls else b"",
        )
        # Table 261: the upper-case hexadecimal SHA-1 of the whole /Contents; a name, no protection
        vri[sha1(signature_contents, usedforsecurity=False).hexdigest().upper()] = f"{update.add(body)} 0 R"
    update.objects[known.security_store] = b"<</Type/DSS/VRI<<%s>>/Certs%s/OCSPs%s/CRLs%s>>" % (
        b"".join(b"/%s %s" % (key.encode(), reference.encode()) for key, reference in vri.items()),
        references([*known.certificates.values(), *certificates]),
        references([*known.ocsps.values(), *ocsps]),
        references([*known.crls.values(), *crls]),
    )


def added_streams(update: Update, values: Iterable[bytes], known: dict[str, int]) -> list[int]:
    """Object numbers: of what the store holds already, and of what is new."""
    return [
        known[digest]
        if (digest := sha256(value).hexdigest()) in known
        else update.add(b"<</Length %d>>\nstream\n%s\nendstream" % (len(value), value))
        for value in values
    ]


def references(numbers: Iterable[int]) -> bytes:
    return b"[" + b" ".join(b"%d 0 R" % number for number in dict.fromkeys(numbers)) + b"]"


def append(document: bytearray, update: Update) -> None:
    """The update behind the document, without a time-stamp."""
    document += written(update, len(document))[0]


def append_time_stamped(
    document: bytearray, update: Update, *, time_stamp: Callable[[bytes], bytes], reserved: int
) -> None:
    """Table 255 with SubFilter ETSI.RFC3161: the time-stamp covers all but its own contents."""
    reference = update.continuation.time_stamp
    update.objects[reference] = (
        b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/V 0/ByteRange%s/Contents<%s>>>"
        % (b" " * BYTE_RANGE_ROOM, b"0" * (2 * reserved))
    )
    tail, offsets = written(update, len(document))
    document += tail
    start = document.index(b"/ByteRange", offsets[reference]) + len(b"/ByteRange")
    gap_start = start + BYTE_RANGE_ROOM + len(b"/Contents")
    gap_end = gap_start + 2 * reserved + 2
    byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, len(document) - gap_end)
    document[start : start + BYTE_RANGE_ROOM] = byte_range.ljust(BYTE_RANGE_ROOM)
    fill(document, gap_start, gap_end, time_stamp(digest_around(document, gap_start, gap_end)))


def fill(document: bytearray, gap_start: int, gap_end: int, contents: bytes) -> None:
    """The gap between its brackets: these bytes in hexadecimal, and zeros after them."""
    room = gap_end - gap_start - 2
    if 2 * len(contents) > room:
        raise LevelNotReached(f"{len(contents)} bytes do not fit the {room // 2} that were reserved")
    document[gap_start + 1 : gap_end - 1] = contents.hex().upper().encode().ljust(room, b"0")


def written(update: Update, start: int) -> tuple[bytes, dict[str, int]]:
    """The update's bytes and where each object begins."""
    parts, offsets, position = [b"\n"], {}, start + 1
    for reference, body in update.objects.items():
        part = b"%s obj\n%s\nendobj\n" % (reference.encode(), body)
        offsets[reference] = position
        position += len(part)
        parts.append(part)
    table = xref_stream if update.continuation.xref_stream else xref_table
    parts.append(table(update, offsets, position))
    return b"".join(parts), offsets


def xref_table(update: Update, offsets: dict[str, int], position: int) -> bytes:
    """Section 7.5.4: one subsection a run of numbers, twenty bytes an entry."""
    lines = [b"xref\n"]
    for run in runs(offsets):
        lines.append(b"%d %d\n" % (run[0][0], len(run)))
        lines += [b"%010d %05d n\r\n" % (offset, generation) for _, generation, offset in run]
    trailer = b"trailer\n<</Size %d/Prev %d%s>>\n" % (
        update.next_object,
        update.continuation.startxref,
        update.continuation.trailer.encode("latin-1"),
    )
    return b"".join(lines) + trailer + end_of_file(position)


def xref_stream(update: Update, offsets: dict[str, int], position: int) -> bytes:
    """Section 7.5.8: the same as a stream, which lists itself."""
    number = update.next_object
    entries = runs({**offsets, f"{number} 0": position})
    rows = [
        b"\x01%s%s" % (offset.to_bytes(5, "big"), gen.to_bytes(2, "big")) for run in entries for _, gen, offset in run
    ]
    index = b" ".join(b"%d %d" % (run[0][0], len(run)) for run in entries)
    body = b"".join(rows)
    return (
        b"%d 0 obj\n<</Type/XRef/Size %d/Prev %d/W[1 5 2]/Index[%s]%s/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (
            number,
            number + 1,
            update.continuation.startxref,
            index,
            update.continuation.trailer.encode("latin-1"),
            len(body),
            body,
        )
        + end_of_file(position)
    )


def end_of_file(position: int) -> bytes:
    return b"startxref\n%d\n%%%%EOF\n" % position


def runs(offsets: dict[str, int]) -> list[list[tuple[int, int, int]]]:
    """(number, generation, offset), in runs of consecutive numbers."""
    found: list[list[tuple[int, int, int]]] = []
    for reference, offset in sorted(offsets.items(), key=lambda item: int(item[0].split()[0])):
        number, generation = (int(part) for part in reference.split())
        if found and found[-1][-1][0] == number - 1:
            found[-1].append((number, generation, offset))
        else:
            found.append([(number, generation, offset)])
    return found
