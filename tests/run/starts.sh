# shellcheck shell=bash disable=SC2034 # case.sh uses what is set here
# SPDX-License-Identifier: MIT
# Many starts of Nestor in one boot of a machine, by the firmware's shell (tests/run/refusals.txt explains the table).

START_MARKER='nestor-run: start' # the shell prints it before a start, with the start's name

# starts_rows <table>
starts_rows() {
	grep -v -e '^#' -e '^[[:space:]]*$' "$1"
}

# starts_row <row>: set name, options, config and expect.
starts_row() {
	local column

	IFS='|' read -r name options config expect <<<"$1"
	for column in name options config expect; do
		read -r "${column?}" <<<"${!column}"
	done
	[ -n "$expect" ] || fail "start '$name': a row has 4 columns"
}

# starts_prepare <table> <folder>: write the shell's script and the configurations; STARTS_FILES is what the ESP needs.
# The map of memory before and after shows whether all refused starts gave back what they took.
starts_prepare() {
	local row name options config expect script=$2/startup.nsh

	STARTS_FILES=("startup.nsh=$script" nestor/nestor.efi=build/nestor.efi)
	printf '%s\n' '@echo -off' fs0: memmap >"$script"
	while IFS= read -r row; do
		starts_row "$row"
		image_config "$config" "$2/$name.cfg"
		STARTS_FILES+=("nestor/$name.cfg=$2/$name.cfg")
		[[ $expect == refused* ]] || echo memmap >>"$script"
		printf '%s\n' "cp -q \\nestor\\$name.cfg \\nestor\\nestor.cfg" "echo $START_MARKER $name" \
			"\\nestor\\nestor.efi $options" "echo $FIRMWARE_MARKER, status %lasterror%" >>"$script"
	done < <(starts_rows "$1")
	echo 'reset -s' >>"$script"
}

# starts_section <log> <name>: what the console said from one start on to the next.
starts_section() {
	awk -v start="$START_MARKER" -v name="$2" \
		'index($0, start " ") == 1 { inside = $0 == start " " name } inside' "$1"
}

# starts_report <table> <log> <case>: a TAP line for each start, and one for the memory; the console must have all.
starts_report() {
	local row name options config expect why section=$2.section

	while IFS= read -r row; do
		starts_row "$row"
		starts_section "$2" "$name" >"$section"
		if why=$(expect_check "$expect" "$section" "$(verdict "$section" poweroff)"); then
			echo "ok - $3/$name"
		else
			echo "not ok - $3/$name # $why"
		fi
	done < <(starts_rows "$1")
	rm -f "$section"
	starts_memory "$2" "$3"
}

starts_memory() {
	local before after

	before=$(grep -aE -m 2 '^ *Loader(Code|Data): *[0-9]' "$1")
	after=$(grep -aE '^ *Loader(Code|Data): *[0-9]' "$1" | tail -n +3)
	if [ -n "$before" ] && [ "$before" = "$after" ]; then
		echo "ok - $2/nothing-is-left-behind"
	else
		echo "not ok - $2/nothing-is-left-behind # before: ${before//$'\n'/,} after: ${after//$'\n'/,}"
	fi
}
