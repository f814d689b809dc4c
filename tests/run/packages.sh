#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Install the Debian packages of the named sets (tests/run/packages.txt) that are missing; says what it installs.
# Quick when nothing is missing: one dpkg-query.
set -euo pipefail

table=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || set -- build run

fail() {
	printf 'packages: %s\n' "$1" >&2
	exit 1
}

wanted=()
while read -r set package _; do
	[[ " $* " == *" $set "* ]] && wanted+=("$package")
done < <(grep -v '^#' "$table")
[ ${#wanted[@]} -gt 0 ] || fail "no such set: $*"

if ! command -v dpkg-query >/dev/null; then
	echo "packages: this is not a Debian system; needed are: ${wanted[*]}" >&2
	exit 0
fi

# shellcheck disable=SC2016 # the ${...} are dpkg-query's
present=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "${wanted[@]}" 2>/dev/null |
	sed -n 's/ ii *$//p') || true
missing=()
for package in "${wanted[@]}"; do
	grep -qxF -- "$package" <<<"$present" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null ||
		fail "missing: ${missing[*]}; neither root nor sudo here: install them as root with apt-get install"
	as_root=(sudo)
fi

echo "packages: installing ${missing[*]}"
mkdir -p build/logs
log=build/logs/packages.log
apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y "$@" >>"$log" 2>&1
}
: >"$log"
apt update || fail "apt-get update failed (no network?), see $log; missing: ${missing[*]}"
apt install --no-install-recommends "${missing[@]}" ||
	fail "apt-get install failed, see $log; missing: ${missing[*]}"
