# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: the TSC is the clock source, each CPU's timer is its local APIC's TSC deadline with high resolution and ticks; the
# RTC goes with the system's clock.
. /checks/lib.sh

# ticks <file>: the local timer's interrupts, a line for each CPU.
ticks() {
	sed -n 's/^ *LOC: *\([0-9 ]*[0-9]\) .*/\1/p' /proc/interrupts | tr -s ' ' '\n' >"$1"
}

source=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
echo "clock source $source; others: $(cat /sys/devices/system/clocksource/clocksource0/available_clocksource)"
expect 'clock source' "$source" tsc
expect 'clock event devices' "$(cat /sys/devices/system/clockevents/clockevent[0-9]*/current_device | sort -u)" lapic-deadline
expect 'high resolution' "$(sed -n 's/^ *.hres_active *: //p' /proc/timer_list | sort -u)" 1
ticks /tmp/before
for cpu in $(seq 0 $(($(nproc) - 1))); do
	taskset -c "$cpu" sleep 0.2
done
ticks /tmp/after
paste /tmp/before /tmp/after | awk '{ print "CPU " NR - 1 ": " $1 " timer interrupts, then " $2; bad += $2 <= $1 } END { exit bad }' ||
	fail 'no timer interrupt on a CPU'
rtc=$(cat /sys/class/rtc/rtc0/since_epoch) system=$(date +%s)
echo "RTC: $rtc s, system: $system s"
case $((system - rtc)) in
-1 | 0 | 1) ;;
*) fail "the RTC is $((system - rtc)) s behind" ;;
esac
