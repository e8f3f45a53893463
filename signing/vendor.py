"""Renew the vendored pdf.js: `python -m signing.vendor`, a developer's tool.

The legacy build, for phones that are a few years old. Fonts and character maps come along, so that the preview shows
what the PDF says where a file does not embed them; WebAssembly does not: the Content-Security-Policy has no
`wasm-unsafe-eval`, and pdf.js ships plain fallbacks.
"""

import shutil
import tempfile
from pathlib import Path

from core.vendor import fetch_package

PACKAGE = "pdfjs-dist@6.5.438"
PDFJS = Path(__file__).parent / "static" / "pdfjs"
FILES = {
    "LICENSE": "LICENSE",
    "legacy/build/pdf.min.mjs": "pdf.min.mjs",
    "legacy/build/pdf.worker.min.mjs": "pdf.worker.min.mjs",
    "wasm/jbig2_nowasm_fallback.js": "decoders/jbig2_nowasm_fallback.js",
    "wasm/openjpeg_nowasm_fallback.js": "decoders/openjpeg_nowasm_fallback.js",
}
FOLDERS = {"standard_fonts": "standard_fonts", "cmaps": "cmaps"}


def main() -> None:
    """Replaces the folder by the package's files."""
    shutil.rmtree(PDFJS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as directory:
        unpacked = fetch_package(PACKAGE, Path(directory))
        for source, target in FILES.items():
            copy_file(unpacked / source, PDFJS / target)
        for decoder in ("JBIG2", "OPENJPEG"):
            for licence in sorted((unpacked / "wasm").glob(f"LICENSE_*{decoder}")):
                copy_file(licence, PDFJS / "decoders" / licence.name)
        for source, target in FOLDERS.items():
            shutil.copytree(unpacked / source, PDFJS / target, copy_function=shutil.copyfile)
    (PDFJS / "VERSION").write_text(PACKAGE + "\n", encoding="utf-8")


def copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
