#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benches of VMX with Linux' KVM as L0 on the bare emulated CPU, then bare and under Nestor, as the table of `make bench`.
# KVM's figures are kept in tests/run/bench_kvm.txt. CPU and EFI as machine.sh's.
# shellcheck disable=SC1091 # the table stands there
set -euo pipefail

RUN_DIR=tests/run
. "$RUN_DIR/bench_table.sh"

name=bench-kvm
rows=$RUN_DIR/bench.txt
peer=$RUN_DIR/bench_kvm.txt
output=build/logs/$name.out
# Bochs has neither the MSRs that bare Linux takes for granted (MSRS=zero) nor the TSC's frequency that its CPUID tells.
# Without mitigations, as Nestor has none: KVM would flush caches and fill buffers by loops of instructions.
cmdline="console=ttyS0,115200 quiet panic=-1 cryptomgr.notests tsc_early_khz=50000 mitigations=off bench=$(bench_rows "$rows")"

echo "bench: Linux on the bare CPU first, then the guest by itself and under Nestor: some 70 s"
mkdir -p build/logs
NAME=$name MACHINE=bochs CPUS=1 MSRS=zero LIMIT=${LIMIT:-600} "$RUN_DIR/machine.sh" \
	"CONFIG=mode = bare;kernel = \\nestor\\vmlinux;module = \\nestor\\initramfs;cmdline = $cmdline" \
	nestor/vmlinux=build/linux/vmlinux nestor/initramfs=build/linux/bench_kvm/initramfs </dev/null >"$output" 2>&1 || {
	tail -n 1 "$output" >&2
	exit 1
}
bench_peer "$rows" "build/logs/$name.log" "${CPU:-skylake-x}" >"$peer.part"
mv "$peer.part" "$peer"
MACHINE=bochs CPUS=1 exec "$RUN_DIR/bench.sh"
