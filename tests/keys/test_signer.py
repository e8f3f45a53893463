"""Where a key lives is a URI."""

from dataclasses import replace

import pytest

from core.settings import SettingsError
from keys.signer import open_custody
from keys.software_signer import SoftwareCustody


def test_a_file_uri_means_encrypted_files(settings):
    assert isinstance(open_custody(settings), SoftwareCustody)


@pytest.mark.parametrize("url", ["", "vault:secret", "/var/keys", "FILE:x"])
def test_other_uris_are_refused(settings, url):
    with pytest.raises(SettingsError, match="must be file:DIRECTORY or a pkcs11: URI"):
        open_custody(replace(settings, keys_url=url))
