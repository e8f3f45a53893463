#!/bin/sh
# What the tests use of the machine: browsers, servers, judges. Installs what is missing.
set -eu
missing=""
need() { # command package
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need chromium chromium
need redis-server redis-server
need haproxy haproxy
need softhsm2-util softhsm2
need pkcs11-tool opensc
need p11-kit p11-kit
[ -n "$(ls /usr/lib/*/pkcs11/p11-kit-client.so 2>/dev/null)" ] || missing="$missing p11-kit-modules"
need pdfsig poppler-utils
need qpdf qpdf
need openssl openssl
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || missing="$missing postgresql"
[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || missing="$missing apache2-bin libapache2-mod-auth-openidc"
[ -z "$missing" ] || sh "$(dirname "$0")/../.ci/install" $missing
