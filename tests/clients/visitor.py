"""A browser without JavaScript: cookies, redirects, and the forms of a page by their buttons."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

STEPS = 8  # pages between a request and its answer, at most
RELYING_PARTY = "https://rp.example"  # nobody is there: what arrives is shown, and given to the client by the test


class Loopback(httpx.HTTPTransport):
    """RFC 6761 section 6.3: every name below localhost is this machine, whatever the resolver knows."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return super().handle_request(here)


def arrived(request: httpx.Request) -> httpx.Response:
    """The page at a relying party's address: the answer that the browser brought."""
    return httpx.Response(200, json={"url": str(request.url), "form": request.read().decode()})


@dataclass
class Form:
    action: str
    values: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(held.get("action", "")))
        if not self.found:
            return
        form, element_id, name = self.found[-1], held.get("id", ""), held.get("name", "")
        form.ids.add(element_id)
        if tag == "button" and element_id:
            form.buttons[element_id] = (name, held.get("value", ""))
        elif tag in ("input", "select", "textarea") and name and held.get("type") not in ("checkbox", "radio"):
            form.values[name] = held.get("value", "")
        elif tag == "input" and name and "checked" in held:
            form.values[name] = held.get("value", "on")


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, language: str = "en", tls: ssl.SSLContext | None = None) -> None:
        transport = Loopback(verify=tls or True)
        elsewhere = {RELYING_PARTY: httpx.MockTransport(arrived)}
        self.http = httpx.Client(transport=transport, mounts=elsewhere, follow_redirects=True, timeout=30)
        self.http.cookies.set("prajak-lang", language)
        self.page: httpx.Response | None = None

    def open(self, url: str) -> httpx.Response:
        self.page = self.http.get(url)
        return self.page

    def press(self, button: str, **typed: str) -> httpx.Response:
        """Submits the form that holds the button with this id, with what it holds and what is typed."""
        assert self.page is not None
        form = self.form_with(button)
        assert form is not None, f"no button {button!r} on {self.page.url}:\n{self.page.text[:3000]}"
        name, value = form.buttons[button]
        return self.send(form, form.values | ({name: value} if name else {}) | typed)

    def submit(self, part: str) -> httpx.Response:
        """Submits the first form whose address holds this."""
        assert self.page is not None
        form = next(form for form in self.forms() if part in form.action)
        return self.send(form, form.values)

    def send(self, form: Form, data: dict[str, str]) -> httpx.Response:
        """As a browser does: relative to the page, with the page's origin."""
        assert self.page is not None
        address = urlsplit(str(self.page.url))
        headers = {"Origin": f"{address.scheme}://{address.netloc}"}
        self.page = self.http.post(urljoin(address.geturl(), form.action), data=data, headers=headers)
        return self.page

    def form_with(self, element_id: str) -> Form | None:
        return next((form for form in self.forms() if element_id in form.ids), None)

    def forms(self) -> list[Form]:
        assert self.page is not None
        reader = Forms()
        reader.feed(self.page.text)
        return reader.found

    def sees(self, element_id: str) -> bool:
        return self.form_with(element_id) is not None

    def sign_in_as(self, user: str, *, consent: str = "allow") -> httpx.Response:
        """Walks through whatever the provider asks until it asks nothing more."""
        for _ in range(STEPS):
            if self.sees("sandbox-sign-in"):
                self.press("sign-in", user=user)
            elif self.sees("consent-allow"):
                self.press(f"consent-{consent}")
            else:
                break
        assert self.page is not None
        return self.page

    def close(self) -> None:
        self.http.close()
