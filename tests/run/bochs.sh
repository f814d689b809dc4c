# shellcheck shell=bash disable=SC2034 # machine.sh uses what is set here
# SPDX-License-Identifier: MIT
# Bochs as the machine: its configuration, its command line, and what its log says about how it ended.

# bochs_command: write the configuration into $WORK and set EMULATOR, the command to run there.
bochs_command() {
	local count=$CPUS host=$((MEM < 2048 ? MEM : 2048)) ips=${IPS:-}
	local com1='mode=file, dev=console' ignore_msrs=0

	# A simulated second has this many instructions: enough that a device's period (the PIT at 1 kHz) leaves room for
	# the exits that serving it takes. Time that all CPUs idle away costs as many.
	[ -n "$ips" ] || ips=50000000
	[ -z "$TYPE" ] || com1='mode=term, dev=/dev/tty'
	[ "$MSRS" = strict ] || ignore_msrs=1
	[ "$CPUS" -eq 1 ] || count=$CPUS:1:1
	cat >"$WORK/bochsrc" <<-EOF
		memory: guest=$MEM, host=$host
		romimage: file=$OVMF
		cpu: model=$(model_name bochs), count=$count, ips=$ips, reset_on_triple_fault=0, ignore_bad_msrs=$ignore_msrs, msrs=$RUN_DIR/msrs.def
		pci: enabled=1, chipset=i440fx
		clock: sync=none, time0=946684800
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, path=disk.img, mode=flat, cylinders=$IMAGE_CYLINDERS, heads=$IMAGE_HEADS, spt=$IMAGE_SECTORS
		boot: disk
		com1: enabled=1, $com1
		port_e9_hack: enabled=1
		display_library: term
		info: action=ignore
		debug: action=ignore
		log: bochs.log
		debugger_log: -
	EOF
	# XCHG BX, BX in the guest: from the first one on to the second, each instruction is written down.
	if [ -n "$TRACE" ]; then
		echo 'magic_break: enabled=1' >>"$WORK/bochsrc"
		BOCHS_COMMANDS=(c 'trace on' c 'trace off' q)
	fi
	printf '%s\n' "${BOCHS_COMMANDS[@]}" >"$WORK/commands"
	# Of its own environment: with MAKE_RESTARTS in it, as in the first make after a change, Bochs 2.7 overflows a buffer.
	EMULATOR=(env -i PATH="$PATH" HOME="${HOME:-/}" TERM=vt100 bochs -q -f bochsrc -rc commands)
}

# bochs_ending <status>: how the process ended: "poweroff", or "died <why>".
bochs_ending() {
	local last

	last=$(tr -d '\0' <"$WORK/bochs.log" 2>/dev/null | grep -v '^ *$' | tail -n 1)
	case $last in
	*'Shutdown port'* | *'soft power off'*) echo poweroff ;;
	*) echo "died Bochs ended with status $1: ${last:-it wrote no log}" ;;
	esac
}
