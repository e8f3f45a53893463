"""The house's floors: an import goes down or stays inside its folder, never up, never across between strangers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask

from core.ground import Ground
from core.web import check_callers
from idp.app import build
from idp.composition import compose
from idp.routes import check_routes
from tests.imports import ROOMS, imports, is_in, sources

FLOORS: Mapping[str, tuple[str, ...]] = {
    "core": (),
    "keys": ("core",),
    "enrollment": ("core", "keys"),
    "signing": ("core", "keys"),
    "idp": ("core", "keys", "enrollment"),
    "demo": ("core", "enrollment.civil_registry"),  # the registry's process serves the simulator
    "kiosk": (),
    "bench": ("core", "keys", "enrollment", "signing", "idp"),
}
DOORS_TO_SIGNING = ("idp.app", "idp.cli")
IDP_FLOORS = (  # lowest first; a folder may import those before it
    ("idp.errors", "idp.models"),
    ("idp.oauth2",),
    ("idp.oidc",),
    ("idp.interaction", "idp.registration", "idp.portal", "idp.admin", "idp.sandbox"),
    ("idp.server",),
    ("idp.authorize", "idp.authorization_response"),
    ("idp.protocol_views", "idp.front_door", "idp.monitoring", "idp.openapi", "idp.routes"),
    ("idp.composition",),
    ("idp.own_clients", "idp.tables", "idp.background", "idp.measurements"),
    ("idp.signing_officers", "idp.app", "idp.command", "idp.cli"),
)
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "authlib": ("idp", "signing.authorization", "enrollment.evidence.federation", "demo.agency"),
    "webauthn": ("core.webauthn",),
    "pyhanko": ("signing",),
    "pyhanko_certvalidator": ("signing",),
    "pkcs11": ("keys", "bench.tokens"),
    "cryptography.hazmat.primitives.asymmetric.ec.ECDSA": ("keys",),
    "redis": ("core.ephemeral_redis",),
    "httpx": ("core.outbound", "signing", "idp.app", "idp.admin.services"),
    "smtplib": ("core.delivery",),
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_floors_below_it(room: str):
    ours = [each for each in imports() if is_in(each.file, room) and is_in(each.module, *ROOMS)]
    doors = DOORS_TO_SIGNING if room == "idp" else ()
    wrong = [
        each
        for each in ours
        if not is_in(each.module, room, *FLOORS[room])
        and not (each.file in doors and is_in(each.module, "signing"))
        and not any(is_in(allowed, each.module) for allowed in FLOORS[room])  # `from enrollment import civil_registry`
    ]
    assert not wrong


def test_nobody_imports_the_demonstration_the_kiosk_or_the_benchmarks():
    assert not [
        each
        for each in imports()
        if is_in(each.module, "demo", "kiosk", "bench") and not is_in(each.file, each.module.split(".")[0])
    ]


def test_the_demo_agencies_know_nothing_of_the_provider_but_its_protocol():
    assert not [
        each
        for each in imports()
        if is_in(each.file, "demo.agency") and is_in(each.module, "core", "keys", "enrollment", "signing", "idp")
    ]


def test_inside_the_provider_imports_go_down():
    floor = {place: number for number, places in enumerate(IDP_FLOORS) for place in places}

    def floor_of(module: str) -> int | None:
        return next((number for place, number in floor.items() if is_in(module, place)), None)

    wrong = []
    for each in imports():
        here, there = floor_of(each.file), floor_of(each.module)
        if here is not None and there is not None and there > here:
            wrong.append(each)
    assert not wrong


def test_rooms_on_the_provider_s_upper_floor_that_are_strangers_stay_so():
    """Portal, admin and sandbox use the session and the registration; never one another."""
    allowed = {"idp.portal": ("idp.interaction",), "idp.admin": ("idp.interaction", "idp.registration"),
               "idp.sandbox": ("idp.interaction", "idp.registration"), "idp.interaction": (), "idp.registration": ()}  # fmt: skip
    wrong = [
        each
        for room, may in allowed.items()
        for each in imports()
        if is_in(each.file, room) and is_in(each.module, *allowed) and not is_in(each.module, room, *may)
    ]
    assert not wrong


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_has_one_room(library: str):
    assert not [each for each in imports() if is_in(each.module, library) and not is_in(each.file, *LIBRARIES[library])]


def test_the_environment_is_read_in_one_file():
    readers = {each.file for each in imports() if each.module in ("os.environ", "os.getenv")}
    readers |= {name for name, tree in sources() if attributes(tree) & {"os.environ", "os.getenv"}}
    assert readers - {"demo.run", "demo.parts"} <= {"core.settings"}, "demo.* are processes of their own"


def test_the_time_is_asked_in_one_file():
    asked = {
        name
        for name, tree in sources()
        if attributes(tree) & {"datetime.now", "datetime.utcnow", "date.today", "time.time"}
    }
    assert {each for each in asked if not is_in(each, "demo", "bench")} == {"core.clock"}


def test_rules_do_not_know_flask():
    """Flask is in views and what serves them, not in rules."""
    rules = (
        "keys.",
        "enrollment.policy",
        "enrollment.proofing",
        "enrollment.civil_registry",
        "idp.models",
        "idp.oidc.claims",
        "signing.pades",
        "signing.validation",
    )
    found = [
        each
        for each in imports()
        if is_in(each.module, "flask") and each.file.startswith(rules) and not each.file.endswith("views")
    ]
    assert not found


def attributes(tree: ast.Module) -> set[str]:
    """`os.environ` and the like, as written."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_the_table_of_routes_is_what_is_served(served_app: Flask):
    check_routes(served_app)


def test_every_route_says_who_may_call_it(served_app: Flask):
    check_callers(served_app)


@pytest.fixture
def served_app(ground: Ground) -> Iterator[Flask]:
    provider = compose(ground.settings, ground.clock)
    yield build(provider)
    provider.close()
