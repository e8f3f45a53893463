"""RFC 9728 section 3.3, as agency B keeps it: it asks nobody for a record at an API that says something else of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from demo.agency.configuration import Configuration, load_office
from demo.agency.loopback import reach
from demo.agency.provider import ProviderError
from demo.agency.record_client import RecordClient
from tests.protocol.requirement import requirement

ISSUER = "http://localhost:8080"
Say = Callable[[str], Response]


class Holder:
    """Another agency's site, which answers what the test says; `asked` are the addresses that were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: Say = lambda resource: as_json(metadata(resource))
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, self.answer)
        self.origin = f"http://agency-a.localhost:{self.server.port}"

    @Request.application
    def answer(self, request: Request) -> Response:
        self.asked.append(request.url)
        return self.says(f"{self.origin}/api/entitlements")


def metadata(resource: str, **changed: Any) -> dict[str, Any]:
    return {"resource": resource, "authorization_servers": [ISSUER]} | changed


def as_json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


@pytest.fixture
def holder() -> Iterator[Holder]:
    site = Holder()
    serving = Thread(target=site.server.serve_forever)
    serving.start()
    yield site
    site.server.shutdown()
    serving.join()
    site.server.server_close()


@pytest.fixture
def client(holder: Holder) -> RecordClient:
    office = load_office("b")
    configuration = Configuration(ISSUER, "demo-b", Path("key"), "http://b.example", "acr", office, holder.origin)
    return RecordClient(configuration, provider=None)  # type: ignore[arg-type]


@requirement("RFC 9728", "3.1", "MUST")
def test_the_well_known_path_stands_between_host_and_path(client: RecordClient, holder: Holder):
    (detail,) = client.details()
    assert holder.asked == [f"{holder.origin}/.well-known/oauth-protected-resource/api/entitlements"]
    assert detail["locations"] == [f"{holder.origin}/api/entitlements"]


@requirement("RFC 9728", "3.3", "MUST")
@pytest.mark.parametrize(
    "says",
    [
        lambda resource: as_json(metadata(resource + "/")),
        lambda resource: as_json(metadata("http://agency-c.localhost/api")),
        lambda resource: as_json(metadata(resource, authorization_servers=["https://another.example"])),
        lambda resource: as_json(metadata(resource, authorization_servers=[])),
        lambda resource: as_json({"resource": resource}),
        lambda resource: as_json([metadata(resource)]),
        lambda _resource: Response("no JSON"),
        lambda resource: as_json(metadata(resource), 500),
        lambda resource: Response("", 302, {"Location": f"{resource}/elsewhere"}),
    ],
)
def test_an_api_that_says_something_else_is_not_asked_for(client: RecordClient, holder: Holder, says: Say):
    holder.says = says
    with pytest.raises(ProviderError):
        client.details()
    assert len(holder.asked) == 1, "no redirect is followed"


def test_names_below_localhost_are_this_machine():
    """RFC 6761 section 6.3."""
    assert reach("http://agency-a.localhost:81/x?y=1") == (
        "http://127.0.0.1:81/x?y=1",
        {"Host": "agency-a.localhost:81"},
    )
    for elsewhere in ("https://agency.example/x", "http://localhost:80/", "http://localhost.example/"):
        assert reach(elsewhere) == (elsewhere, {})
