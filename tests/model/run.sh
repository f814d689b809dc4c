#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Check the models of the lock-free protocols with spin: each as it stands, by a search of all its states, and then
# with each of its mutations ("#define BREAK_<name>"), in which spin must find an error. JOBS at a time.
# Usage: run.sh <folder for what is generated> <model>...
# One TAP line each. A mutation of a file that several models include is built into the first of them.
set -euo pipefail

MODELS=$(cd "$(dirname "$0")" && pwd)
MEGABYTES=2048
DEPTH=1000000 # steps of one execution

# search <folder> <model> <mutation, or 0> <optimization>: what pan says, or what kept it from being built.
search() {
	mkdir -p "$1"
	cd "$1"
	spin "-DBREAK=$3" -a "$MODELS/$2.pml" >spin.log 2>&1 || { tail -n 1 spin.log && return 1; }
	"${HOSTCC:-gcc}" "-O$4" -w -DSAFETY -DNOFAIR -DCOLLAPSE "-DMEMLIM=$MEGABYTES" -o pan pan.c 2>&1 || return 1
	./pan "-m$DEPTH" 2>&1 | tee pan.log || true
}

# The first complaint, such as "assertion violated"; empty where there is none.
complaint() {
	sed -n 's/^pan:[0-9]*: \([a-z ]*[a-z]\).* (at depth [0-9]*)$/\1/p' <<<"$1" | head -n 1
}

check_model() {
	local out start=$SECONDS found
	out=$(search "$OUT/$1" "$1" 0 1) || true
	if grep -q 'errors: 0$' <<<"$out" && ! grep -qiE 'not completed|too small|error:|warning' <<<"$out"; then
		echo "ok - model/$1 # $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' <<<"$out") states," \
			"$((SECONDS - start)) s"
		return
	fi
	found=$(complaint "$out")
	echo "not ok - model/$1 # ${found:-$(grep -v '^$' <<<"$out" | tail -n 1)}" \
		": spin -k $OUT/$1/$1.pml.trail -p -g $MODELS/$1.pml"
	return 1
}

check_mutation() {
	local out found
	out=$(search "$OUT/$1-$2" "$1" "BREAK_$2" 0) || true
	found=$(complaint "$out")
	if [ -n "$found" ]; then
		echo "ok - model/mutation/$2 is caught # $1: $found"
		return
	fi
	echo "not ok - model/mutation/$2 is caught # $1: $(grep -v '^$' <<<"$out" | tail -n 1)"
	return 1
}

# The mutations that a model knows, from itself and what it includes.
mutations() {
	gcc -E -dM -x c "$MODELS/$1.pml" | sed -n 's/^#define BREAK_\([a-z_]*\) .*/\1/p' | sort
}

# One line a check: the model, and its mutation if it has one.
list() {
	local model mutation
	local -A seen=()

	printf '%s\n' "$@"
	for model in "$@"; do
		for mutation in $(mutations "$model"); do
			[ -n "${seen[$mutation]:-}" ] || echo "$model $mutation"
			seen[$mutation]=1
		done
	done
}

case $1 in
--one)
	read -r model mutation <<<"$2"
	if [ -z "$mutation" ]; then check_model "$model"; else check_mutation "$model" "$mutation"; fi
	;;
*)
	mkdir -p "$1"
	OUT=$(cd "$1" && pwd)
	export OUT
	shift
	list "$@" | tr '\n' '\0' | xargs -0 -P "${JOBS:-1}" -n 1 "$0" --one |
		awk '{ sub(/^ok|^not ok/, "& " ++n); print; fflush() } END { if (!n) exit 1 }'
	;;
esac
