# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: every CPU that the MADT lists is online, takes work, and is like the others; caches are shared as CPUID's topology says.
. /checks/lib.sh

CPUS=/sys/devices/system/cpu

# Local APICs (type 0) that are enabled, in the MADT behind its 44 bytes.
madt_cpus() {
	hexdump -v -s 44 -e '1/1 "%u\n"' /sys/firmware/acpi/tables/APIC | awk '
		{ byte[NR - 1] = $1 }
		END { for (at = 0; at < NR && byte[at + 1]; at += byte[at + 1])
			if (byte[at] == 0 && byte[at + 4] % 2 == 1) count++
			print count }'
}

# The CPU that a process confined to one runs on.
runs_on() {
	# shellcheck disable=SC2016 # awk's
	taskset -c "$1" awk '{ print $39 }' /proc/self/stat
}

count=$(madt_cpus)
last=$((count - 1))
grep -m 1 '^model name' /proc/cpuinfo
echo "$count CPUs in the MADT, online: $(cat $CPUS/online)"
expect 'CPUs online' "$(grep -c ^processor /proc/cpuinfo)" "$count"
expect 'different CPUs' "$(grep -E '^(flags|model|stepping|cache size|cpu MHz|address sizes)' /proc/cpuinfo | sort -u | wc -l)" 7
grep -qw hypervisor /proc/cpuinfo || fail 'no hypervisor in the flags'
grep -qw vmx /proc/cpuinfo || fail 'no VMX in the flags'
for cpu in $(seq 0 $last); do
	expect "CPU of work for CPU $cpu" "$(runs_on "$cpu")" "$cpu"
	expect "threads of CPU $cpu" "$(cat $CPUS/cpu"$cpu"/topology/thread_siblings_list)" "$cpu"
	expect "package of CPU $cpu" "$(cat $CPUS/cpu"$cpu"/topology/physical_package_id)" 0
	for cache in "$CPUS/cpu$cpu/cache"/index[0-9]; do
		shared=$cpu
		[ "$(cat "$cache/level")" -lt 3 ] || shared=$(cat $CPUS/online)
		expect "sharers of ${cache##*/}" "$(cat "$cache/shared_cpu_list")" "$shared"
		[ "$cpu" -gt 0 ] || echo "L$(cat "$cache/level") $(cat "$cache/type"), $(cat "$cache/size"), CPUs $shared"
	done
done
