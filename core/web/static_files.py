"""Styles, scripts, fonts: at addresses that change with their bytes, kept by browsers for a year."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from flask import Response, current_app, send_from_directory
from werkzeug.exceptions import NotFound

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
    for folder in static_folders():
        if (folder / name).is_file():
            return folder / name
    raise NotFound


@callers(ANYONE)
def static_file(version: str, name: str) -> Response:  # noqa: ARG001 - the version is for caches alone
    for folder in static_folders():
        try:
            response = send_from_directory(folder, name, max_age=ONE_YEAR)
        except NotFound:
            continue
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
        return response
    raise NotFound
