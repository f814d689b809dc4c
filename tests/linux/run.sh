#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Boot Debian's kernel as L1 on one machine (settings as tests/run/machine.sh's, but from the environment only; APPEND= adds
# to the kernel's command line, CMDLINE= replaces it; INITRAMFS= another one). What is typed at a terminal goes to L1's console.
set -euo pipefail

# Without the ciphers' self-tests, half of the boot's instructions (docs/linux.md).
: "${CMDLINE:=console=ttyS0 earlyprintk=ttyS0,115200 panic=-1 cryptomgr.notests ${APPEND:-}}"
export NAME=${NAME:-linux} LIMIT=${LIMIT:-900} PROGRESS=${PROGRESS:-5}
[ ! -t 0 ] || export TYPE=-
exec tests/run/machine.sh "CONFIG=kernel = \\nestor\\vmlinux;module = \\nestor\\initramfs;cmdline = $CMDLINE;${CONFIG:-}" \
	nestor/vmlinux=build/linux/vmlinux nestor/initramfs="${INITRAMFS:-build/linux/initramfs}"
