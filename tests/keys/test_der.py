"""X.690, against an independent implementation of it."""

from datetime import UTC, datetime

from asn1crypto import core
from hypothesis import example, given
from hypothesis import strategies as st

from keys import der

SECONDS = st.integers(-631152000, 253402300799).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(st.integers(min_value=-(2**700), max_value=2**700))
@example(-128)
@example(-129)
@example(-32768)
@example(127)
@example(128)
def test_integers(number):
    assert der.integer(number) == core.Integer(number).dump()


@given(st.binary(max_size=70000))
def test_octet_strings_of_every_length(content):
    assert der.octet_string(content) == core.OctetString(content).dump()


@given(st.lists(st.integers(min_value=0, max_value=2**128), min_size=1, max_size=8), st.integers(0, 2**64))
def test_object_identifiers_with_arcs_as_large_as_a_uuid(arcs, second):
    dotted = ".".join(map(str, [2, second, *arcs]))
    assert der.object_identifier(dotted) == core.ObjectIdentifier(dotted).dump()


@given(SECONDS)
def test_times_are_whole_seconds_and_change_form_in_2050(moment):
    whole = moment.replace(microsecond=0)
    assert core.GeneralizedTime.load(der.generalized_time(moment)).native == whole
    read = core.load(der.time(moment))
    assert read.native == whole
    assert isinstance(read, core.UTCTime) == (moment.year < 2050)


def test_a_set_is_in_ascending_order():
    assert der.set_of(der.integer(2), der.integer(1)) == b"\x31\x06\x02\x01\x01\x02\x01\x02"
