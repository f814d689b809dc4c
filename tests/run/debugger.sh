# shellcheck shell=bash disable=SC2034 # machine.sh uses what is set here
# SPDX-License-Identifier: MIT
# A machine in a debugger, stopped at Nestor's entry: Bochs' own, or gdb on QEMU's stub.

# debugger_run: the image, whose symbols are in nestor.so beside it, will be loaded at $DEBUG.
debugger_run() {
	local symbols entry

	symbols=$(realpath "${EFI%.efi}.so")
	entry=$(nm "$symbols" | awk '$3 == "efi_main" { print $1 }')
	[ -n "$entry" ] || fail "$symbols has no efi_main"
	printf -v entry '0x%x' $((16#$entry + DEBUG))
	echo "machine: the console goes to $LOG"
	: >"$LOG"
	ln -s "$LOG" "$WORK/console"
	"debugger_${MACHINE%%-*}" "$symbols" "$entry"
}

debugger_bochs() {
	nm "$1" | awk '$3 != "" { print $1, $3 }' >"$WORK/symbols"
	BOCHS_COMMANDS=("ldsym global \"symbols\" $DEBUG" "lb $2" c "print-stack 4")
	bochs_command
	echo "machine: Bochs' debugger: help, c, s, r, info symbols, x /8gx ...; q ends"
	(cd "$WORK" && "${EMULATOR[@]}")
}

debugger_qemu() {
	QEMU_EXTRA=(-gdb "unix:gdb,server,nowait" -S)
	qemu_command
	(cd "$WORK" && exec "${EMULATOR[@]}" </dev/null >emulator.out 2>&1) &
	EMULATOR_PID=$!
	until [ -S "$WORK/gdb" ]; do
		kill -0 "$EMULATOR_PID" 2>/dev/null || fail "$(tail -n 1 "$WORK/emulator.out")"
		sleep 0.1
	done
	gdb -q -ex "add-symbol-file $1 -o $DEBUG" -ex "target remote $WORK/gdb" -ex "hbreak *$2" -ex continue
}
