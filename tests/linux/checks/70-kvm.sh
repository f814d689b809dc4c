# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: Debian's KVM loads with what it wants of VMX, and runs a guest, which is an L2.
. /checks/lib.sh

for module in irqbypass kvm kvm-intel; do
	insmod "/modules/$module.ko" || fail "no module $module"
done
for wanted in ept unrestricted_guest vpid vnmi flexpriority; do
	expect "kvm_intel.$wanted" "$(cat /sys/module/kvm_intel/parameters/$wanted)" Y
done
/bin/kvm_l2
rmmod kvm_intel || fail 'kvm_intel does not go'
