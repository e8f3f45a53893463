"""Debian's Apache with mod_auth_openidc, in front of one page: what an agency puts before an application it has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from tests.backends import scratch
from tests.clients.secure_provider import SecureProvider, wait_until_it_listens

APACHE = "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
CONFIGURATION = Template("""
ServerRoot "$folder"
ServerName app.localhost
Listen 127.0.0.1:$port https
PidFile "$folder/apache.pid"
Mutex file:$folder
ErrorLog "$folder/error.log"
LogLevel warn auth_openidc:info
DocumentRoot "$folder/site"
User www-data
Group www-data

LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule authz_user_module $modules/mod_authz_user.so
LoadModule dir_module $modules/mod_dir.so
LoadModule env_module $modules/mod_env.so
LoadModule headers_module $modules/mod_headers.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule ssl_module $modules/mod_ssl.so
LoadModule auth_openidc_module $modules/mod_auth_openidc.so

SSLEngine on
SSLCertificateFile "$certificate"
SSLCertificateKeyFile "$key"

OIDCProviderMetadataURL $issuer/.well-known/openid-configuration
OIDCCABundlePath "$ca_file"
OIDCClientID $client_id
OIDCClientSecret $client_secret
OIDCRedirectURI $origin/callback
OIDCDefaultURL $origin/
OIDCRedirectURLsAllowed ^$origin
OIDCCryptoPassphrase "a passphrase of the tests"
OIDCScope "openid profile offline_access"
OIDCAuthRequestParams prompt=consent
OIDCPKCEMethod S256
OIDCInfoHook iat access_token id_token userinfo session
OIDCPassClaimsAs environment
$more

<Location />
    AuthType openid-connect
    Require valid-user
    Header set Served-To "%{OIDC_CLAIM_sub}e"
</Location>
""")


def origin_of(port: int) -> str:
    """A host of its own: `localhost` would share its cookies with the provider."""
    return f"https://app.localhost:{port}"


@contextmanager
def apache(port: int, secure: SecureProvider, registered: dict[str, str], more: str = "") -> Iterator[str]:
    """Runs it until the block ends; its origin. Where we are root it serves as somebody else, who must see the site."""
    folder, origin = scratch() / f"apache-{port}", origin_of(port)
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "index.html").write_text("<p>The application</p>", "utf-8")
    ca_file = folder / "ca.pem"
    shutil.copyfile(secure.authority.ca_file, ca_file)
    certificate, key = secure.authority.certify("apache", "app.localhost")
    configuration = folder / "apache.conf"
    configuration.write_text(
        CONFIGURATION.substitute(
            folder=folder,
            port=port,
            modules=MODULES,
            origin=origin,
            certificate=certificate,
            key=key,
            issuer=secure.issuer,
            ca_file=ca_file,
            client_id=registered["client_id"],
            client_secret=registered["client_secret"],
            more=more,
        ),
        "utf-8",
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [APACHE, "-f", str(configuration), "-D", "FOREGROUND"], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_it_listens(process, port, log)
        yield origin
    finally:
        process.terminate()
        process.wait(timeout=30)
