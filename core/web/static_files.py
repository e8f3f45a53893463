"""Styles, scripts, fonts: at addresses that change with their bytes, kept by browsers for a year."""

from __future__ import annotations

from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from flask import Response, current_app, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from core.web.callers import ANYONE, callers
from core.web.headers import ONE_YEAR

STATIC = Path(__file__).parent.parent / "static"


def static(name: str) -> str:
    """A URL that changes with the file's bytes, so that browsers may keep it for a year."""
    versions: dict[str, str] = current_app.extensions.setdefault("prajak_static", {})
    if name not in versions:
        versions[name] = sha256(find_static(name).read_bytes()).hexdigest()[:12]
    return f"/static/{versions[name]}/{name}"


def static_folders() -> list[Path]:
    """`core/static` first, then each blueprint's own static folder (given to Blueprint as `static_folder`)."""
    own = [each.static_folder for each in current_app.blueprints.values() if each.static_folder]
    return [STATIC, *map(Path, own)]


def find_static(name: str) -> Path:
    """NotFound for what is not in one of the folders, whatever dots the name has."""
    for folder in static_folders():
        found = safe_join(str(folder), name)
        if found is not None and Path(found).is_file():
            return Path(found)
    raise NotFound


@callers(ANYONE)
def static_file(version: str, name: str) -> Response:  # noqa: ARG001 - the version is for caches alone
    """Read whole: they are small, and a browser that goes away in the middle leaves no file open."""
    media_type, _ = guess_type(name)
    response = Response(find_static(name).read_bytes(), content_type=media_type or "application/octet-stream")
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    response.add_etag()
    response.make_conditional(request)
    return response
