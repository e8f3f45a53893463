"""What the trail's head was is signed and time-stamped, and nothing that does not fit is signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from asn1crypto import tsp
from sqlalchemy import delete, select, text, update

from core.audit import AuditEntry
from core.audit_chain import head
from keys.audit_checkpoint import (
    TYPE,
    AuditCheckpoint,
    AuditCheckpoints,
    Believed,
    TrailBroken,
    checkpoint_line,
    newest,
    read_line,
)
from keys.audit_proof import prove
from keys.audit_time_stamp import NotStamped, time_stamp
from keys.jwt import sign_jwt
from keys.own_jws import NotSigned, read_jwks, signing_kid, verified_claims
from keys.purposes import Purpose
from tests.core.test_audit_verify import rebuilt
from tests.core.trail import disarmed, write_entries

ISSUER = "http://localhost:8080"


@pytest.fixture
def checkpoints(trust) -> AuditCheckpoints:
    return trust.checkpoints


def proof(ground, checkpoints, witnessed=(), since=0):
    return prove(ground.database, checkpoints.believes(), origin=ISSUER, witnessed=witnessed, since=since)


def more(ground, checkpoints, number=3):
    write_entries(ground, number)
    return checkpoints.make()


def test_a_checkpoint_says_how_the_trail_stood(ground, checkpoints):
    made = more(ground, checkpoints)
    with ground.database.read() as connection:
        assert (made.sequence, made.head) == head(connection)
    claims = verified_claims(made.jws, checkpoints.believes().keys, typ="prajak-audit-checkpoint+jwt")
    assert claims == {
        "iss": ISSUER, "iat": int(ground.clock.now().timestamp()), "sequence": made.sequence,
        "head": made.head.hex(), "count": made.sequence,
    }  # fmt: skip
    assert read_line(made.line, checkpoints.believes(), origin=ISSUER) == made


def test_nothing_new_needs_no_checkpoint(ground, checkpoints):
    assert more(ground, checkpoints) is not None
    assert checkpoints.make() is None
    assert more(ground, checkpoints, 1) is not None


def test_openssl_verifies_its_time_stamp(ground, checkpoints, trust, openssl):
    made = more(ground, checkpoints)
    data, root = openssl.file("jws", made.jws.encode()), openssl.pem("root.pem", trust.ca.root)
    chain = openssl.pem("issuing.pem", trust.ca.issuing)
    token = openssl.file("token", made.time_stamp)
    said = openssl.run(
        "ts", "-verify", "-data", data, "-in", token, "-token_in", "-CAfile", root, "-untrusted", chain, *openssl.at
    )
    assert "Verification: OK" in said


def test_without_a_time_stamp_authority_it_is_signed_and_says_so(ground, trust):
    def refuse(_imprint: bytes) -> bytes:
        raise NotStamped("no authority yet")

    made = more(ground, AuditCheckpoints(ground, trust.keystore, refuse))
    assert made.time_stamp == b""
    assert read_line(made.line, trust.checkpoints.believes()).sequence == made.sequence


def test_what_was_computed_anew_before_it_was_signed_is_not_vouched_for(ground, checkpoints):
    more(ground, checkpoints, 5)
    write_entries(ground, 5)
    rebuilt(ground, 3)
    with pytest.raises(TrailBroken, match="previous_hash"):
        checkpoints.make()


def test_a_trail_that_was_cut_off_is_not_vouched_for(ground, checkpoints):
    made = more(ground, checkpoints, 5)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence > 2))
    with pytest.raises(TrailBroken, match=f"saw entry {made.sequence}"):
        checkpoints.make()


def test_a_forged_checkpoint_is_found_and_nothing_is_signed_after_it(ground, checkpoints, trust):
    write_entries(ground, 4)
    other = AuditCheckpoints(ground, trust.keystore, lambda _imprint: b"")
    forged = other.make()
    with disarmed(ground), ground.database.write() as connection:
        changed = forged.jws[:-4] + ("AAAA" if forged.jws[-4:] != "AAAA" else "BBBB")
        connection.execute(update(AuditCheckpoint).values(jws=changed))
    found = proof(ground, checkpoints)
    assert found.broken.sequence == forged.sequence
    assert "forged" in found.broken.why
    write_entries(ground, 1)
    with pytest.raises(TrailBroken, match="forged"):
        checkpoints.make()


def test_a_checkpoint_of_another_purpose_s_key_is_no_checkpoint(ground, checkpoints, trust):
    write_entries(ground, 1)
    made = checkpoints.make()
    others = {each["kid"]: each for each in trust.keystore.published([Purpose.ID_TOKEN])}
    with pytest.raises(NotSigned, match="not ours"):
        read_line(made.line, Believed(others))


def test_a_checkpoint_of_another_issuer_is_none_of_this_trail(ground, checkpoints):
    made = more(ground, checkpoints)
    with pytest.raises(NotSigned, match="another trail"):
        read_line(made.line, checkpoints.believes(), origin="https://elsewhere.example")


def test_no_byte_of_what_was_signed_can_change_unseen(ground, checkpoints):
    line, believed = more(ground, checkpoints).line, checkpoints.believes()
    for place in range(line.index('","time_stamp"')):
        changed = line[:place] + chr(ord(line[place]) ^ 1) + line[place + 1 :]
        with pytest.raises(NotSigned):
            read_line(changed, believed, origin=ISSUER)


def test_a_time_stamp_is_verified_whenever_its_checkpoint_is(ground, checkpoints, trust):
    made, believed = more(ground, checkpoints), replace(checkpoints.believes(), anchors=[trust.ca.root])
    imprint = made.time_stamp.index(made.imprint)
    for place in [*range(imprint, imprint + len(made.imprint) + 30), *range(-32, 0)]:  # what is stamped; the signature
        changed = bytearray(made.time_stamp)
        changed[place] ^= 1
        with pytest.raises(NotSigned, match="time-stamp"):
            read_line(checkpoint_line(made.jws, bytes(changed)), believed)


def test_a_time_stamp_leads_to_whom_the_auditor_trusts(ground, checkpoints, trust):
    made, own = more(ground, checkpoints), checkpoints.believes()
    assert read_line(made.line, replace(own, anchors=[trust.ca.root])) == made
    with pytest.raises(NotSigned, match="does not verify"):
        read_line(made.line, replace(own, anchors=[]))
    with pytest.raises(NotSigned, match="time-stamp"):
        read_line(checkpoint_line(made.jws, b""), replace(own, anchors=[trust.ca.root]))


def test_a_time_stamp_of_another_checkpoint_does_not_serve(ground, checkpoints):
    first, second = more(ground, checkpoints), more(ground, checkpoints)
    with pytest.raises(NotSigned, match="something else"):
        read_line(checkpoint_line(second.jws, first.time_stamp), checkpoints.believes())


def test_a_checkpoint_that_is_older_than_its_time_stamp_was_made_up_later(ground, trust):
    def late(imprint: bytes) -> bytes:
        ground.clock.advance(timedelta(days=1))
        return time_stamp(trust.tsa, imprint)

    made = more(ground, AuditCheckpoints(ground, trust.keystore, late))
    assert made.time_stamp == b"", "what nobody would believe is not kept, or the trail would be stuck behind it"
    with pytest.raises(NotSigned, match="another time"):
        read_line(checkpoint_line(made.jws, late(made.imprint)), trust.checkpoints.believes())


def test_the_stored_checkpoints_find_a_trail_that_was_computed_anew(ground, checkpoints):
    for _ in range(3):
        more(ground, checkpoints)
    assert proof(ground, checkpoints).broken is None
    assert proof(ground, checkpoints).walked.marks == 3
    with ground.database.read() as connection:
        first, second = (row.sequence for row in connection.execute(select(AuditCheckpoint)).all()[:2])
    rebuilt(ground, second - 1)
    found = proof(ground, checkpoints).broken
    assert found.sequence == first + 1
    assert f"entries {first + 1} to {second}" in found.why


def test_who_rewrites_the_checkpoints_too_is_found_by_the_one_that_a_witness_kept(ground, checkpoints):
    kept = more(ground, checkpoints, 5)
    rebuilt(ground, kept.sequence - 1)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditCheckpoint))
    assert proof(ground, checkpoints).broken is None
    found = proof(ground, checkpoints, [kept]).broken
    assert "that the witness kept" in found.why


def test_a_truncation_is_found_by_the_one_that_a_witness_kept(ground, checkpoints):
    kept = more(ground, checkpoints, 5)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditCheckpoint))
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence == kept.sequence))
    assert proof(ground, checkpoints).broken is None
    found = proof(ground, checkpoints, [kept]).broken
    assert (found.sequence, f"saw entry {kept.sequence}" in found.why) == (kept.sequence, True)


def test_a_proof_can_begin_at_a_checkpoint(ground, checkpoints):
    first, _ = more(ground, checkpoints, 4), more(ground, checkpoints, 4)
    found = proof(ground, checkpoints, since=first.sequence)
    assert (found.broken, found.walked.entries) == (None, 4)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.sequence == first.sequence + 2).values(actor="x"))
    assert proof(ground, checkpoints, since=first.sequence).broken.sequence == first.sequence + 2


def test_a_proof_begins_at_what_a_witness_kept_and_not_at_what_was_signed_after_a_rewriting(ground, checkpoints):
    """The signer signs a chain that was computed anew, where the checkpoints went with it."""
    kept = more(ground, checkpoints, 4)
    rebuilt(ground, 2)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditCheckpoint))
    again = more(ground, checkpoints)
    assert proof(ground, checkpoints, since=again.sequence).broken is None
    assert proof(ground, checkpoints, [kept], since=kept.sequence).broken.sequence == kept.sequence + 1
    assert proof(ground, checkpoints, [kept], since=again.sequence).broken is not None


def test_a_proof_that_begins_behind_the_end_of_the_trail_is_none(ground, checkpoints):
    kept = more(ground, checkpoints, 5)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence > kept.sequence - 2))
    for witnessed in ([], [kept]):
        found = proof(ground, checkpoints, witnessed, since=kept.sequence)
        assert found.broken.sequence == kept.sequence
        assert "saw another entry there" in found.broken.why


def test_a_checkpoint_still_verifies_after_its_key_was_rotated(ground, checkpoints, trust):
    made = more(ground, checkpoints)
    trust.keystore.rotate(Purpose.AUDIT, at_once=True)
    ground.clock.advance(timedelta(days=400))
    assert read_line(made.line, checkpoints.believes()) == made
    assert proof(ground, checkpoints).broken is None


def test_after_its_key_was_compromised_what_was_stamped_before_is_believed(ground, checkpoints, trust):
    """And what is signed with it afterwards is not, whatever time it says."""
    before, kid = more(ground, checkpoints), trust.keystore.ensure(Purpose.AUDIT)
    thief = trust.keystore.load(kid)
    trust.keystore.compromise(kid, actor="anong", reason="seen in a log")
    assert read_line(before.line, checkpoints.believes()) == before
    after = more(ground, checkpoints)
    assert signing_kid(after.jws) != kid
    assert proof(ground, checkpoints, [before, after]).broken is None
    ground.clock.advance(timedelta(minutes=1))
    claims = verified_claims(after.jws, checkpoints.believes().keys, typ=TYPE)
    forged = sign_jwt(thief, dict(claims) | {"head": "00" * 32}, typ=TYPE)
    stamped = time_stamp(trust.tsa, sha256(forged.encode()).digest())
    with pytest.raises(NotSigned, match="by then"):
        read_line(checkpoint_line(forged, stamped), checkpoints.believes())
    with pytest.raises(NotSigned, match="other hands"):
        read_line(checkpoint_line(forged, b""), checkpoints.believes())
    with pytest.raises(NotSigned, match="does not verify"):  # an authority of the thief's own could say any time
        read_line(before.line, replace(checkpoints.believes(), roots=[]))


def test_what_a_compromised_key_signed_without_a_time_stamp_is_signed_anew_with_all_before(ground, checkpoints, trust):
    def refuse(_imprint: bytes) -> bytes:
        raise NotStamped("no authority yet")

    unstamped = AuditCheckpoints(ground, trust.keystore, refuse)
    for _ in range(2):
        more(ground, unstamped)
    trust.keystore.compromise(trust.keystore.ensure(Purpose.AUDIT), reason="seen in a log")
    made = more(ground, unstamped)
    assert made.count == made.sequence
    assert proof(ground, checkpoints, [made]).broken is None


@pytest.mark.both_backends
def test_a_stored_checkpoint_cannot_be_changed_or_removed(ground, checkpoints):
    more(ground, checkpoints)
    for statement in ("DELETE FROM audit_checkpoint", "UPDATE audit_checkpoint SET sequence = -1"):
        with pytest.raises(Exception, match="append-only"), ground.database.write() as connection:
            connection.execute(text(statement))


def test_a_stored_checkpoint_that_was_moved_is_found(ground, checkpoints):
    more(ground, checkpoints)
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(update(AuditCheckpoint).values(sequence=-1))
    assert proof(ground, checkpoints).broken is not None


@pytest.mark.both_backends
def test_only_one_of_two_workers_makes_a_checkpoint(ground, checkpoints, trust):
    write_entries(ground, 2)
    again = AuditCheckpoints(ground, trust.keystore, lambda _imprint: checkpoints.make() and b"")
    assert again.make() is None
    with ground.database.read() as connection:
        assert newest(connection)["time_stamp"] != b""


@pytest.mark.parametrize("content", ["", "[]", '{"keys": []}', '{"keys": [1]}', '{"keys": {"kid": 1}}', "\x00"])
def test_a_file_without_keys_believes_nobody(content):
    with pytest.raises(NotSigned):
        read_jwks(content)


def test_the_time_stamp_is_over_the_signature(ground, checkpoints):
    made = more(ground, checkpoints)
    token = tsp.ContentInfo.load(made.time_stamp)
    info = token["content"]["encap_content_info"]["content"].parsed
    assert info["message_imprint"]["hashed_message"].native == made.imprint
    assert token["content"]["certificates"]
