#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Boot one machine with an EFI image and say how it went. The exit code is the verdict (tests/run/verdict.sh).
# shellcheck disable=SC1091,SC2034,SC2100 # the parts stand beside this file, and use what is set here
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/image.sh"
. "$RUN_DIR/bochs.sh"
. "$RUN_DIR/qemu.sh"
. "$RUN_DIR/watch.sh"
. "$RUN_DIR/verdict.sh"
. "$RUN_DIR/debugger.sh"

usage() {
	cat <<-'EOF'
		usage: machine.sh [NAME=value ...] [file on the ESP=source file ...]
		  MACHINE=auto|bochs|qemu-kvm|qemu-tcg   auto: nested KVM where the host has it, else Bochs
		  BOARD=pc|q35        QEMU's machine type
		  CPU=skylake-x ...   a name of tests/run/models.txt
		  CPUS=1 MEM=512      CPUs; MiB of memory
		  EFI=build/nestor.efi   what the firmware starts; empty: its shell, which runs startup.nsh
		  DISK=image          QEMU: boot a copy of this disk, such as build/nestor-usb.img, instead of one made here
		  CONFIG=text         nestor.cfg, ';' ends a line; CONFIG=@file takes it from a file
		  LIMIT=120           seconds
		  NAME=run            of the log, build/logs/NAME.log
		  IPS=n               Bochs: instructions a simulated second
		  MSRS=strict         Bochs: MSRs that it does not know raise #GP; with MSRS=zero they read 0
		  STOP_AT=text        end the run, with success, when the console shows this
		  TYPE=text           Bochs: type this at COM1 each time the guest says that it waits for it (\n: Enter);
		                      TYPE=-: what comes in at stdin, such as a terminal's keys
		  TRACE=file          Bochs: write what runs between two marks of the guest's there, and end
		  PROGRESS=seconds    say that the machine still runs after so long without output
		  KEEP=1              keep the run's folder
		  DEBUG=address       stop in the debugger at Nestor's entry, its image being at this address
	EOF
	exit 6
}

fail() {
	printf 'machine: %s\n' "$1" >&2
	exit 6
}

# Settings come from the environment, then from the arguments; all else names a file for the ESP.
parse_arguments() {
	MACHINE=${MACHINE:-auto} BOARD=${BOARD:-pc} CPU=${CPU:-skylake-x} CPUS=${CPUS:-1} MEM=${MEM:-512}
	EFI=${EFI-build/nestor.efi} DISK=${DISK:-} CONFIG=${CONFIG:-} NAME=${NAME:-run} LIMIT=${LIMIT:-}
	STOP_AT=${STOP_AT:-} TYPE=${TYPE:-} TRACE=${TRACE:-} MSRS=${MSRS:-strict} PROGRESS=${PROGRESS:-0} KEEP=${KEEP:-} DEBUG=${DEBUG:-} OVMF=${OVMF:-/usr/share/ovmf/OVMF.fd}
	QEMU_EXTRA=()
	BOCHS_COMMANDS=(c q)
	FILES=()
	local argument
	for argument in "$@"; do
		case $argument in
		MACHINE=* | BOARD=* | CPU=* | CPUS=* | MEM=* | EFI=* | CONFIG=* | LIMIT=* | NAME=* | IPS=* | \
			DISK=* | STOP_AT=* | MSRS=* | PROGRESS=* | TYPE=* | TRACE=* | KEEP=* | DEBUG=*)
			printf -v "${argument%%=*}" '%s' "${argument#*=}"
			;;
		?*=?*) FILES+=("$argument") ;;
		*) usage ;;
		esac
	done
	LIMIT=${LIMIT:-$((180 + 60 * CPUS))}
}

# model_name bochs|qemu: what that emulator calls $CPU.
model_name() {
	local name bochs qemu

	while read -r name bochs qemu; do
		if [ "$name" = "$CPU" ]; then
			echo "${!1}"
			return
		fi
	done <"$RUN_DIR/models.txt"
	return 1
}

choose_machine() {
	if [ "$MACHINE" = auto ]; then
		MACHINE=bochs
		! kvm_nested || MACHINE=qemu-kvm
		echo "machine: $MACHINE (by itself; MACHINE= chooses)"
	fi
	case $MACHINE in
	bochs | qemu-tcg) ;;
	qemu-kvm) kvm_nested || fail "this host offers no nested VMX (kvm_intel nested=Y and a writable /dev/kvm)" ;;
	*) fail "no machine '$MACHINE': bochs, qemu-kvm, qemu-tcg or auto" ;;
	esac
	[[ $MSRS == strict || $MSRS == zero ]] || fail "no MSRS=$MSRS: strict or zero"
	[ -z "$TYPE$TRACE" ] || [ "$MACHINE" = bochs ] || fail "TYPE and TRACE are for Bochs"
	model_name bochs >/dev/null || fail "no CPU model '$CPU'; tests/run/models.txt lists them"
	[ -r "$OVMF" ] || fail "no firmware at $OVMF: install the package ovmf"
}

prepare() {
	local config='' pair

	[ -z "$EFI" ] || [ -r "$EFI" ] || fail "no EFI image $EFI"
	[ -z "$DISK" ] || [ -r "$DISK" ] || fail "no disk image $DISK"
	[ -z "$DISK" ] || [ "$MACHINE" != bochs ] || fail "Bochs' disk has a geometry of its own: DISK is for QEMU"
	for pair in "${FILES[@]}"; do
		[ -r "${pair#*=}" ] || fail "no file ${pair#*=}"
	done
	WORK=build/runs/$NAME-$$
	mkdir -p "$WORK" build/logs
	WORK=$(cd "$WORK" && pwd)
	LOG=$(pwd)/build/logs/$NAME.log
	trap 'watch_kill; [ -n "$KEEP" ] || rm -rf "$WORK"' EXIT
	trap 'echo; echo "machine: interrupted"; exit 130' INT TERM HUP
	if [ -n "$DISK" ]; then
		image_adopt "$WORK/disk.img" "$DISK" "${FILES[@]}"
		return
	fi
	if [ -n "$CONFIG" ]; then
		config=$WORK/nestor.cfg
		image_config "$CONFIG" "$config"
	fi
	image_make "$WORK/disk.img" "$EFI" "$config" "${FILES[@]}"
}

parse_arguments "$@"
choose_machine
prepare
if [ -n "$DEBUG" ]; then
	debugger_run
	exit
fi
"${MACHINE%%-*}_command"
watch_run
[ -z "$TRACE" ] || cp "$WORK/emulator.out" "$TRACE"
if [ "$ENDING" = stopped ]; then
	exit 0
fi
result=$(verdict "$LOG" "$ENDING")
echo "machine: $result ($NAME: $MACHINE $CPU, ${CPUS} CPUs, ${SECONDS} s, $LOG)"
exit "$(verdict_status "${result%%:*}")"
