"""docs/conformance.md, done: the clients of every plan registered over TLS, the suite's configurations written."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.imports import ROOT
from tests.protocol.conformance import plans


def test_the_recipe_works_at_a_running_provider(secure, tmp_path):
    told = ["--issuer", secure.issuer, "--ca", str(secure.authority.ca_file), str(tmp_path)]
    command = [sys.executable, "-m", "tests.protocol.conformance", *told]
    run = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert len(lines) == len(dict(plans()))
    assert lines[0].startswith("'oidcc-backchannel-rp-initiated-logout-certification-test-plan[response_type=code]")
    basic = json.loads((tmp_path / "basic.json").read_text("utf-8"))
    assert basic["client"]["client_secret"]
    assert basic["server"]["discoveryUrl"].startswith(secure.issuer)
