# shellcheck shell=bash disable=SC2034 # machine.sh uses what is set here
# SPDX-License-Identifier: MIT
# Run the emulator: its console, a FIFO, goes line by line to stdout and to the log; stop it at the limit.
# Only processes started here are ever killed. Bochs' debugger ignores SIGTERM, so it is SIGKILL.

EMULATOR_PID=
READER_PID=
KEYS_PID=
TERMINAL=
NOW=
TYPE_PROMPT='^guest: type now$'

# On a terminal the emulator is a child of script's.
watch_kill_emulator() {
	[ ! -s "$WORK/pid" ] || kill -KILL "$(<"$WORK/pid")" 2>/dev/null || true
	kill -KILL "$EMULATOR_PID" 2>/dev/null || true
}

watch_kill() {
	[ -z "$EMULATOR_PID" ] || watch_kill_emulator
	[ -z "$READER_PID" ] || kill -TERM "$READER_PID" 2>/dev/null || true
	watch_forward_end
}

# Without carriage returns and terminal control sequences.
watch_clean() {
	sed -u -e 's/\r//g' -e 's/\x1b\[[0-9;=?]*[A-Za-z]//g'
}

# The console, to stdout and to the log, line by line; to somebody who types, as it comes.
watch_filter() {
	if [ "$TYPE" = - ]; then
		{ tee -a /dev/fd/6 | watch_clean >"$LOG"; } 6>&1
	else
		watch_clean | tee "$LOG"
	fi
}

# Set NOW, in seconds: a clock that nobody sets.
watch_clock() {
	read -r NOW _ </proc/uptime
	NOW=${NOW%.*}
}

# Start EMULATOR in $WORK. With TYPE it runs on a terminal of its own, whose other side reads the FIFO "keys" and writes
# the console.
watch_start() {
	if [ -z "$TYPE" ]; then
		(cd "$WORK" && exec "${EMULATOR[@]}" </dev/null >emulator.out 2>&1 3>&-) &
	else
		mkfifo "$WORK/keys"
		exec 4<>"$WORK/keys"
		(cd "$WORK" && exec script -qec "echo \$\$ >pid; exec ${EMULATOR[*]} </dev/null >emulator.out 2>&1" \
			/dev/null <keys >console 2>&1 3>&- 4>&-) &
	fi
	EMULATOR_PID=$!
	[ "$TYPE" != - ] || watch_forward
}

# Pass on what comes in at our stdin; of a terminal each key, at once, without an echo of its own. Ctrl-C ends the machine.
watch_forward() {
	if [ -t 0 ]; then
		TERMINAL=$(stty -g)
		stty -icanon -echo min 1 time 0
	fi
	cat <&5 >&4 3>&- &
	KEYS_PID=$!
}

watch_forward_end() {
	[ -z "$KEYS_PID" ] || kill -TERM "$KEYS_PID" 2>/dev/null || true
	[ -z "$TERMINAL" ] || stty "$TERMINAL" || true
	KEYS_PID='' TERMINAL=''
}

# Type TYPE once for each prompt.
watch_type() {
	local prompts

	[ "$TYPE" != - ] || return 0
	prompts=$(grep -ac -- "$TYPE_PROMPT" "$LOG") || true
	for ((; typed < prompts; typed++)); do
		printf '%b' "$TYPE" >&4
	done
}

# Once PROGRESS seconds have gone by without output: say so. Not to somebody at a prompt.
watch_progress() {
	local size

	size=$(stat -c %s "$LOG")
	if [ "$size" != "$seen" ]; then
		seen=$size silent_since=$NOW
	elif [ $((NOW - silent_since)) -ge "$PROGRESS" ] && ! grep -aq -- "$TYPE_PROMPT" "$LOG"; then
		echo "machine: running for $((NOW - deadline + LIMIT)) s"
		silent_since=$NOW
	fi
}

# watch_run: run EMULATOR in $WORK; sets ENDING as verdict() wants it ("limit <s>", "stopped", or the emulator's).
watch_run() {
	local status=0 crashed=0 typed=0 seen=0 silent_since deadline

	watch_clock
	silent_since=$NOW
	deadline=$((NOW + LIMIT))
	mkfifo "$WORK/console"
	exec 5<&0
	: >"$LOG" # there before the reader has opened it
	exec 3<>"$WORK/console" # keeps both ends open until the emulator has opened, or failed to
	watch_filter <"$WORK/console" 3>&- &
	READER_PID=$!
	watch_start

	ENDING=
	while kill -0 "$EMULATOR_PID" 2>/dev/null; do
		watch_clock
		[ -z "$TYPE" ] || watch_type
		[ "$PROGRESS" -eq 0 ] || watch_progress
		if [ "$NOW" -ge "$deadline" ]; then
			ENDING="limit $LIMIT"
		elif [ "$crashed" -eq 0 ] && grep -aqE "$CRASH_LINE" "$LOG"; then
			crashed=1 # time for the rest of the dump; a machine that stays on then has no more to say
			deadline=$((deadline < NOW + 10 ? deadline : NOW + 10))
		elif [ -n "$STOP_AT" ] && grep -aq -- "$STOP_AT" "$LOG"; then
			ENDING=stopped
		fi
		if [ -n "$ENDING" ]; then
			watch_kill_emulator
			break
		fi
		sleep 0.3
	done
	wait "$EMULATOR_PID" 2>/dev/null || status=$?
	EMULATOR_PID=
	watch_forward_end
	exec 3>&-
	wait "$READER_PID" || true
	READER_PID=
	[ -z "$(tail -c 1 "$LOG")" ] || echo # a last line that was cut
	[ -n "$ENDING" ] || ENDING=$("${MACHINE%%-*}_ending" "$status")
}
