# shellcheck shell=bash disable=SC2154 # FIRMWARE_MARKER is in verdict.sh
# SPDX-License-Identifier: MIT
# What a case expects of its machine, against the verdict and the log. Pure: reads the log, prints why it is not met.

# The verdict that each kind of expectation needs; tests/run/cases.txt explains the kinds.
declare -A EXPECT_VERDICT=([pass]=pass [shows]=pass [counts]=pass [near]=pass [refused]=refused [panics]=crashed
	[stops]=failed [halts]=hung [fails]=failed [hangs]=hung)

# expect_check <expectation> <log> <verdict>: all parts of "a && b && c" must be met.
expect_check() {
	local rest=$1

	while [[ $rest == *' && '* ]]; do
		expect_one "${rest%% && *}" "$2" "$3" || return 1
		rest=${rest#* && }
	done
	expect_one "$rest" "$2" "$3"
}

expect_one() {
	local kind=${1%% *} argument='' log=$2 result=$3 want
	[[ $1 != *' '* ]] || argument=${1#* }

	want=${EXPECT_VERDICT[$kind]:-}
	if [ -z "$want" ]; then
		echo "unknown expectation '$1'"
	elif [[ $result != "$want: "* ]]; then
		echo "expected '$want'; $result"
	elif [ -z "$argument" ] && [[ $kind != pass && $kind != hangs ]]; then
		echo "'$kind' needs an argument"
	else
		"expect_$kind" "$argument" && return
		echo "; $result"
	fi
	return 1
}

expect_pass() {
	grep -aq '^ok ' "$log" || { printf 'no test ran' && return 1; }
}

expect_shows() {
	grep -aEq -- "$1" "$log" || { printf "no console line matches '%s'" "$1" && return 1; }
}

# bench_value <bench> <key>: prints the one value that the console has, or says that there is not one.
bench_value() {
	local value

	value=$(sed -n "s/^BENCH $1 \(.* \)\?$2=\([0-9][0-9.]*\).*/\2/p" "$log")
	if ! [[ $value =~ ^[0-9.]+$ ]]; then
		printf "not one 'BENCH %s' with '%s='" "$1" "$2"
		return 1
	fi
	printf '%s' "$value"
}

# counts <benches> <keys> <limit>: each key of each bench; commas between them.
expect_counts() {
	local benches keys limit bench key value

	read -r benches keys limit <<<"$1"
	for bench in ${benches//,/ }; do
		for key in ${keys//,/ }; do
			value=$(bench_value "$bench" "$key") || { printf '%s' "$value" && return 1; }
			awk "BEGIN { exit !($value <= $limit) }" && continue
			printf 'BENCH %s %s=%s, allowed are %s' "$bench" "$key" "$value" "$limit"
			return 1
		done
	done
}

# near <benches> <key> <percent>: none differs from the first one's value by more.
expect_near() {
	local benches key percent bench value first=''

	read -r benches key percent <<<"$1"
	for bench in ${benches//,/ }; do
		value=$(bench_value "$bench" "$key") || { printf '%s' "$value" && return 1; }
		: "${first:=$value}"
		awk "BEGIN { d = 100 * ($value - $first) / $first; exit !(d <= $percent && -d <= $percent) }" && continue
		printf 'BENCH %s %s=%s is not within %s %% of %s' "$bench" "$key" "$value" "$percent" "$first"
		return 1
	done
}

expect_refused() {
	if ! grep -aEq -- "nestor: refused: .*$1" "$log"; then
		printf "the refusal does not match '%s'" "$1"
	elif [ "$(grep -ac 'nestor: refused: ' "$log")" -ne 2 ]; then
		printf "not once on the serial port and once on the firmware's console"
	elif ! grep -aq "$FIRMWARE_MARKER" "$log"; then
		printf 'refused, but not back in the firmware'
	elif grep -aq "$FIRMWARE_MARKER, status 0x0$" "$log"; then
		printf 'refused, but the firmware was told success'
	else
		return 0
	fi
	return 1
}

# The regex may span lines of the dump.
expect_panics() {
	if ! sed -n '/nestor: PANIC: /,$p' "$log" | grep -aEzq -- "$1"; then
		printf "the dump does not match '%s'" "$1"
	elif ! grep -aEq ' #[0-9]+ [A-Za-z_][A-Za-z0-9_.]*\+0x' "$log"; then
		printf 'the dump has no stack trace by function names'
	elif ! grep -aq '^nestor: END code=101$' "$log"; then
		printf "no 'nestor: END code=101' after the dump"
	else
		return 0
	fi
	return 1
}

expect_stops() {
	if ! grep -aEq -- "^nestor: L1 stopped: .*$1" "$log"; then
		printf "no 'nestor: L1 stopped:' that matches '%s'" "$1"
	elif ! grep -aq '^nestor: END code=2$' "$log"; then
		printf "no 'nestor: END code=2'"
	else
		return 0
	fi
	return 1
}

expect_halts() {
	expect_stops "$1" || return 1
	tail -n 1 "$log" | grep -aq 'platform: halted; it is safe to switch off$' || {
		printf 'not halted at its end' && return 1
	}
}

expect_fails() {
	expect_shows "$1"
}

expect_hangs() {
	return 0
}
