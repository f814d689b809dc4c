# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The table of `make bench`. Pure: reads the rows' file and two consoles, prints.

# bench_rows <rows>: the names, with commas.
bench_rows() {
	sed -n 's/^\([a-z][a-z0-9_]*\) *|.*/\1/p' "$1" | paste -sd,
}

# bench_peer <rows> <console of Linux' KVM> <CPU>: the file that keeps its figures.
bench_peer() {
	local version

	version=$(sed -n 's/^kvm: \(Linux [^ \r]*\).*/\1/p' "$2")
	echo "# What KVM needs for the rows of bench.txt, in instructions; written by \`make bench-kvm\`."
	echo "# $version as the hypervisor on Bochs' $3, one CPU, kvm-intel with nested=1, mitigations off"
	awk -v console="$2" '
	BEGIN {
		while ((getline line < console) > 0)
			if (match(line, /^BENCH [a-z0-9_]+ (insns|ticks)=[0-9]+/)) {
				split(line, words, "[ =\r]")
				value[words[2]] = words[4]
			}
		FS = " *[|]"
	}
	/^[a-z]/ && $1 in value { printf "%-18s | %d\n", $1, value[$1] }' "$1"
}

# bench_table <rows> <KVM's figures> <console under Nestor> <console of the bare CPU>
bench_table() {
	awk -v peer="$2" -v nestor="$3" -v bare="$4" '
	BEGIN {
		read_peer(peer)
		read_console(nestor, "nestor")
		read_console(bare, "bare")
		count = split("exits vmread vmwrite vmptrld vmclear invept invvpid msr_access window_pte_writes", keys)
		split("exits vmread vmwrite vmptrld vmclear invept invvpid msr window", titles)
		printf "%-19s %9s %8s %8s %6s %6s ", "", "Nestor", "floor", "KVM", "ratio", "bare"
		for (i = 1; i <= count; i++)
			printf " %7s", titles[i]
		print ""
		FS = "|"
	}

	function read_peer(file,   line, words) {
		while ((getline line < file) > 0) {
			if (line ~ /^#/)
				continue
			split(line, words, " *[|] *")
			value["kvm", words[1], "insns"] = words[2]
		}
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

	function ratio(number, of) {
		return number + 0 && of + 0 ? sprintf("%.1f", number / of) : "-"
	}

	/^#/ || NF < 2 { next }

	{
		name = $1
		gsub(/ /, "", name)
		mine = insns("nestor", name)
		is_over = $2 + 0 && mine + 0 > $2 + 0
		if (is_over)
			over = over sprintf("%s needs %s, %s more than its floor\n", name, grouped(mine), grouped(mine - $2))
		theirs = insns("kvm", name)
		printf "%-19s %8s%s %8s %8s %6s %6s ", name, grouped(mine), is_over ? "!" : " ", grouped($2), grouped(theirs),
			ratio(theirs, mine), grouped(insns("bare", name))
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
