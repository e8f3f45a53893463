#!/bin/sh
# Migrates before it serves; every other call goes straight to the command.
set -eu
if [ "${1:-}" = "serve" ]; then
    prajak db upgrade
fi
exec prajak "$@"
