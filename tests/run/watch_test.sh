#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# watch.sh with an emulator that is a shell script: what it says gets to stdout and log, what is typed gets to it.
# shellcheck disable=SC1091,SC2016,SC2034,SC2317 # watch.sh stands beside this file, uses what is set here and calls what is defined
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/watch.sh"

MACHINE=test CRASH_LINE='^crash$' STOP_AT='' LIMIT=10 PROGRESS=0 number=0
WORK=$(mktemp -d) LOG=$WORK/log
trap 'rm -rf "$WORK"' EXIT

test_ending() {
	echo "status $1"
}

# run <TYPE> <script>: the script's terminal is the console; prints what stdout gets.
run() {
	TYPE=$1
	rm -f "$WORK/console" "$WORK/keys" "$WORK/pid"
	printf '#!/bin/sh\n%s\n' "$2" >"$WORK/emulator"
	chmod +x "$WORK/emulator"
	EMULATOR=(./emulator)
	watch_run >"$WORK/stdout"
}

# check <name> <file> <regex>
check() {
	number=$((number + 1))
	if grep -Eq -- "$3" "$2"; then
		echo "ok $number - watch/$1"
	else
		echo "not ok $number - watch/$1 # no '$3' in: $(tr '\n' '|' <"$2")"
	fi
}

# A prompt has no newline, and who types waits for it.
type_when_prompted() {
	until grep -q prompt "$WORK/stdout"; do
		sleep 0.1
	done
	echo 'from stdin'
}

run '' 'printf "\033[1mplain\r\n" >console'
check output_is_shown "$WORK/stdout" '^plain$'
check output_is_logged "$LOG" '^plain$'

PROGRESS=1
run '' 'sleep 2; echo end >console'
check silence_is_told "$WORK/stdout" '^machine: running for [1-9] s$'
PROGRESS=0

run 'a b\n' 'echo "guest: type now" >/dev/tty; read -r line </dev/tty; echo "got $line" >/dev/tty'
check text_is_typed_at_the_prompt "$LOG" '^got a b$'

run - 'printf "prompt" >/dev/tty; read -r line </dev/tty; echo "got $line" >/dev/tty' < <(type_when_prompted)
check stdin_is_typed_at_a_prompt "$LOG" 'got from stdin$'
