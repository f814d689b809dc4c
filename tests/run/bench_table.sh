# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The table of `make bench`. Pure: reads the rows' file and two consoles, prints.

# bench_rows <rows>: the names, with commas.
bench_rows() {
	sed -n 's/^\([a-z][a-z0-9_]*\) *|.*/\1/p' "$1" | paste -sd,
}

# bench_table <rows> <console under Nestor> <console of the bare CPU>
bench_table() {
	awk -v nestor="$2" -v bare="$3" '
	BEGIN {
		read_console(nestor, "nestor")
		read_console(bare, "bare")
		count = split("exits vmread vmwrite vmptrld vmclear invept invvpid msr_access window_pte_writes", keys)
		split("exits vmread vmwrite vmptrld vmclear invept invvpid msr window", titles)
		printf "%-19s %9s %8s %8s %6s ", "", "Nestor", "floor", "KVM", "bare"
		for (i = 1; i <= count; i++)
			printf " %7s", titles[i]
		print ""
		FS = "|"
	}

	# The BENCH lines of a console, as value[who, bench, key].
	function read_console(file, who,   line, words, n, i, pair) {
		while ((getline line < file) > 0) {
			sub(/\r$/, "", line)
			if (match(line, /^# BENCH [a-z0-9_]+ /)) {
				n = split(line, words, " ")
				why[who, words[3]] = substr(line, RLENGTH + 1)
				continue
			}
			if (line !~ /^BENCH /)
				continue
			n = split(line, words, " ")
			for (i = 3; i <= n; i++) {
				split(words[i], pair, "=")
				value[who, words[2], pair[1]] = pair[2]
			}
		}
	}

	# 12935 as 12,935; what is not known as "-".
	function grouped(number,   text) {
		if (number == "" || number + 0 == 0)
			return "-"
		for (text = int(number) ""; match(text, /[0-9][0-9][0-9][0-9]($|,)/);)
			text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
		return text
	}

	function insns(who, name,   number) {
		number = value[who, name, "insns"]
		return number != "" ? number : value[who, name, "ticks"]
	}

	/^#/ || NF < 4 { next }

	{
		name = $1
		gsub(/ /, "", name)
		mine = insns("nestor", name)
		is_over = $2 + 0 && mine + 0 > $2 + 0
		if (is_over)
			over = over sprintf("%s needs %s, %s more than its floor\n", name, grouped(mine), grouped(mine - $2))
		printf "%-19s %8s%s %8s %8s %6s ", name, grouped(mine), is_over ? "!" : " ", grouped($2), grouped($3),
			grouped(insns("bare", name))
		if (mine == "") {
			print "  " (("nestor", name) in why ? why["nestor", name] : "not run")
			next
		}
		for (i = 1; i <= count; i++)
			printf " %7s", (("nestor", name, keys[i]) in value) ? value["nestor", name, keys[i]] : "-"
		print ""
	}

	END { printf "%s", over }' "$1"
}
