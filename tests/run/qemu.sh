# shellcheck shell=bash disable=SC2034,SC2054 # machine.sh uses what is set here; QEMU's commas
# SPDX-License-Identifier: MIT
# QEMU as the machine, with nested KVM or with TCG (which has no VMX).

# qemu_command: set EMULATOR, the command to run in $WORK.
qemu_command() {
	local cpu accel=tcg

	cpu=$(model_name qemu)
	if [ "$MACHINE" = qemu-kvm ]; then
		accel=kvm
		cpu=$cpu,+vmx
	fi
	EMULATOR=(qemu-system-x86_64 -machine "$BOARD" -accel "$accel" -cpu "$cpu" -smp "$CPUS"
		-m "$MEM" -bios "$OVMF" -drive file=disk.img,format=raw,if=ide -net none -display none
		-serial file:console -monitor none -no-reboot
		-device isa-debug-exit,iobase=0xf4,iosize=4 "${QEMU_EXTRA[@]}")
}

# qemu_ending <status>: 0 is a power-off, odd a write to the debug-exit port; QEMU's own failure (1) comes with a message.
qemu_ending() {
	local message

	message=$(grep -v 'warning:' "$WORK/emulator.out" | tail -n 1)
	if [ "$1" -eq 0 ] || { [ $(($1 & 1)) -eq 1 ] && [ -z "$message" ]; }; then
		echo poweroff
	else
		echo "died QEMU ended with status $1: $message"
	fi
}

# kvm_nested: true where this host lets a guest of QEMU use VMX.
kvm_nested() {
	local nested=/sys/module/kvm_intel/parameters/nested

	[ -w /dev/kvm ] && [ -r $nested ] && [[ $(<$nested) == [Y1] ]]
}
