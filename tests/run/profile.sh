#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Where the instructions of one iteration of a bench go: Bochs traces what lies between two marks of the guest's.
# shellcheck disable=SC1091 # the tables stand beside this file
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/profile_table.sh"
. "$RUN_DIR/profile_steps.sh"

row=$1
log=build/logs/profile.log output=build/logs/profile.out trace=build/logs/profile.trace
mkdir -p build/logs
rm -f "$log" "$trace"
NAME=profile MACHINE=bochs CPUS=1 TRACE=$trace CONFIG="cmdline = test=vendor_string_is_stable profile=$row" \
	"$RUN_DIR/machine.sh" >"$output" 2>&1 || true
base=$(sed -n 's/.*boot: image at \(0x[0-9a-f]*\).*/\1/p' "$log" | head -n 1)
if [ -z "$base" ] || ! grep -q '^(0)' "$trace"; then
	echo "profile: no trace of $row: $(tail -n 1 "$output")" >&2
	exit 1
fi
echo "One iteration of $row, by function (build/logs/profile.way has them in their order):"
profile_table "$trace" <(profile_symbols "${EFI%.efi}.so" "$base" build/guest/selftest.elf64) build/logs/profile.way
echo
echo "The same by the steps of an entry and an exit:"
profile_steps "$trace" <(profile_chains "${EFI%.efi}.so" "$base" "$trace") "$RUN_DIR/profile_steps.txt"
