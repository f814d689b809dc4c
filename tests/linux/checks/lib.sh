# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What checks say at their end, and how they get KVM.

fail() {
	echo "$1"
	exit 1
}

# expect <what> <got> <wanted>
expect() {
	[ "$2" = "$3" ] || fail "$1: expected $3, got $2"
}

# kvm_load [parameter=value ...]: Debian's KVM. Only the module for the CPU goes again.
kvm_load() {
	[ -e /sys/module/kvm ] || { insmod /modules/irqbypass.ko && insmod /modules/kvm.ko; } || fail 'kvm does not load'
	insmod /modules/kvm-intel.ko "$@" || fail "kvm-intel does not load with '$*'"
}

kvm_unload() {
	rmmod kvm_intel || fail 'kvm_intel does not go'
}
