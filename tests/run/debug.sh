#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Learn where the firmware loads Nestor, which is the same in every run of one machine, then stop at its entry there.
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
log=build/logs/debug-probe.log

echo "debug: a first run, to learn where the image is loaded"
STOP_AT='boot: image at 0x' NAME=debug-probe EFI=$1 "$RUN_DIR/machine.sh" >/dev/null || true
base=$(sed -n 's/.*boot: image at \(0x[0-9a-f]*\).*/\1/p' "$log" | head -n 1)
if [ -z "$base" ]; then
	echo "debug: Nestor did not print its address; see $log" >&2
	exit 1
fi
echo "debug: image at $base"
exec env DEBUG="$base" NAME=debug EFI="$1" "$RUN_DIR/machine.sh"
