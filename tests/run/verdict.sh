# shellcheck shell=bash disable=SC2034 # machine.sh uses what is set here
# SPDX-License-Identifier: MIT
# From a console log and the way the emulator ended to one verdict. Pure: reads the log, prints "<word>: <line>".
# Words: pass, failed, crashed, hung, refused, no-end; verdict_status gives each its exit code.

CRASH_LINE='nestor: PANIC: .*|!!!! X64 Exception .*' # ours, and the firmware's
FIRMWARE_MARKER='nestor-run: back in the firmware'

# verdict <log> <ending> where ending is "poweroff", "limit <seconds>" or "died <why>".
verdict() {
	local log=$1 ending=$2 line

	if line=$(grep -aoEm1 "$CRASH_LINE" "$log"); then
		echo "crashed: $line"
	elif [[ $ending == limit* ]]; then
		echo "hung: still running after ${ending#limit } s; last console line: $(verdict_last "$log")"
	elif line=$(grep -aom1 'nestor: refused: .*' "$log"); then
		echo "refused: ${line#nestor: refused: }"
	elif [[ $ending == died* ]]; then
		echo "crashed: ${ending#died }; last console line: $(verdict_last "$log")"
	else
		verdict_of_end "$log"
	fi
}

verdict_last() {
	grep -a '[^[:space:]]' "$1" | tail -n 1
}

# The machine was switched off: what did the END line and the test lines say?
verdict_of_end() {
	local log=$1 who=nestor end guest_end bad

	! grep -aq '^nestor: bare: ' "$log" || who=guest
	guest_end=$(grep -a '^guest: END code=' "$log" | tail -n 1)
	end=$(grep -a "^$who: END code=" "$log" | tail -n 1)
	bad=$(grep -ac '^not ok ' "$log")
	if [ -z "$end" ]; then
		echo "no-end: switched off without '$who: END'; last console line: $(verdict_last "$log")"
	elif [ "$bad" -gt 0 ]; then
		echo "failed: $bad tests failed, first: $(grep -am1 '^not ok ' "$log")"
	elif ! [[ $end =~ END\ code=0( |$) ]]; then
		echo "failed: $end$(verdict_stopped "$log")"
	elif [[ $guest_end == *' passed=0 '* ]]; then
		echo "failed: no test passed: $guest_end"
	else
		verdict_of_plan "$log" "$end"
	fi
}

verdict_stopped() {
	local line

	! line=$(grep -am1 '^nestor: L1 stopped: ' "$1") || echo "; $line"
}

# A TAP plan, where there is one, must have been kept.
verdict_of_plan() {
	local log=$1 plan ran

	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$log" | tail -n 1)
	ran=$(grep -ac '^ok ' "$log")
	if [ -n "$plan" ] && [ "$plan" -ne "$ran" ]; then
		echo "failed: $plan tests planned, $ran reported"
	else
		echo "pass: $2"
	fi
}

verdict_status() {
	case $1 in
	pass) echo 0 ;;
	failed) echo 1 ;;
	crashed) echo 2 ;;
	hung) echo 3 ;;
	refused) echo 4 ;;
	*) echo 5 ;;
	esac
}
