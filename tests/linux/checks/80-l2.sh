# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: the same kernel as a guest of KVM, an L2 with as many CPUs, computes what it should and switches off.
. /checks/lib.sh

available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
if [ "$available" -lt $(((128 + 32) * 1024)) ]; then
	echo "$available KiB of memory are too few for an L2"
	exit 77
fi
# Linux does not use large pages by itself on a machine of less than 512 MiB.
echo always >/sys/kernel/mm/transparent_hugepage/enabled
kvm_load "$@"
cmdline='console=ttyS0 quiet panic=-1 cryptomgr.notests'
case ${vmm:-} in
qemu)
	# Without an RTC, Linux asks for one 20,000 times: two exits each, twice the boot.
	qemu-system-x86_64-microvm --version | head -n 1
	qemu-system-x86_64-microvm -M microvm,rtc=on -accel kvm -cpu host -smp "$(nproc)" -m 128 -nodefaults -nographic \
		-serial stdio -no-reboot -kernel /l2/vmlinux -initrd /l2/initramfs -append "$cmdline" </dev/null 2>&1 |
		/bin/stamp 'L2| '
	;;
*) /bin/vmm -t -c "$(nproc)" -m 128 -p 'L2| ' -i /l2/initramfs -a "$cmdline" /l2/vmlinux ;;
esac | tee /tmp/l2
expect 'ends of L2' "$(grep -c 'L2| L2: END code=0$' /tmp/l2)" 1
/bin/counts || [ $? = 77 ]
kvm_unload
