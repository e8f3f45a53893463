"""`python -m tests.lint`: every finding on a line of its own; exits 1 when there is one."""

from __future__ import annotations

import sys

from tests.lint import locks, protocol, templates, translations

CHECKS = (translations.findings, templates.findings, locks.findings, protocol.findings)


def main() -> int:
    found = [finding for check in CHECKS for finding in check()]
    for finding in found:
        print(finding)
    print(f"{len(found)} findings" if found else "translations, templates, locks and the matrix: nothing to mend")
    return 1 if found else 0


sys.exit(main())
