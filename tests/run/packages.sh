#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Install the Debian packages of the named sets (tests/run/packages.txt) that are missing; says what it installs.
# Quick when nothing is missing: one dpkg-query.
set -euo pipefail

RUN_DIR=$(dirname "$0")
# shellcheck source=tests/run/apt.sh
. "$RUN_DIR/apt.sh"
table=$RUN_DIR/packages.txt
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

echo "packages: installing ${missing[*]}"
apt_as_root "missing: ${missing[*]}" update
apt_as_root "missing: ${missing[*]}" install --no-install-recommends "${missing[@]}"
