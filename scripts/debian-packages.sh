#!/bin/sh
# Installs the programs that the tests talk to, when they are missing and this user may install packages.
set -eu

missing=""
for pair in prometheus:prometheus promtool:prometheus openssl:openssl redis-server:redis-server; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

may_install=""
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then
        may_install="yes"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        may_install="sudo"
    fi
fi
if [ -z "$may_install" ]; then
    echo "The tests need the Debian packages:$missing. Please install them; this user may not." >&2
    exit 0 # the tests that need one say so themselves, and fail in CI
fi

run() { if [ "$may_install" = sudo ]; then sudo -n "$@"; else "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
# A policy that forbids starting services: the tests start their own servers, on their own ports.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | run tee "$policy" >/dev/null
    run chmod 755 "$policy"
    made_policy="yes"
    trap 'run rm -f "$policy"' EXIT
fi
run apt-get update -qq
# shellcheck disable=SC2086  # a list of names
run apt-get install -y -qq --no-install-recommends $missing >/dev/null
