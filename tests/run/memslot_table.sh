# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What `make bench-memslot` prints and writes. Pure: reads the rows' file, consoles and the CSV, prints.

# memslot_rows <rows> <run>: the names of the rows that this run has, with commas.
memslot_rows() {
	awk -F ' *[|] *' -v run="$2" '/^[a-z]/ && (" " $2 " ") ~ (" " run " ") { print $1 }' "$1" | paste -sd,
}

# memslot_runs <rows>: the names of the runs, in the order in which they come.
memslot_runs() {
	awk -F ' *[|] *' '/^[a-z]/ { print $2 }' "$1" | tr ' ' '\n' | awk 'NF && !seen[$1]++'
}

# memslot_csv <rows> <run>=<console> ...: a line for each row and run, and only for those that have a result.
memslot_csv() {
	local rows=$1
	shift
	awk -v consoles="$*" '
	BEGIN {
		columns = split("window_pte_writes invlpg region_lookups cache_hits cache_refreshes kicks exits " \
			"contexts_recycled pages_migrated", keys)
		printf "row,run,insns"
		for (i = 1; i <= columns; i++)
			printf ",%s", keys[i]
		print ""
		for (n = split(consoles, pairs, " "); n; n--) {
			split(pairs[n], pair, "=")
			read_console(pair[1], pair[2])
		}
		FS = " *[|] *"
	}

	function read_console(run, file,   line, words, n, i, pair) {
		while ((getline line < file) > 0) {
			sub(/\r$/, "", line)
			if (line !~ /^BENCH /)
				continue
			for (n = split(line, words, " "); n > 2; n--) {
				split(words[n], pair, "=")
				value[run, words[2], pair[1] == "ticks" ? "insns" : pair[1]] = pair[2]
			}
		}
	}

	/^[a-z]/ {
		count = split($2, runs, " ")
		for (r = 1; r <= count; r++) {
			if (!((runs[r], $1, "insns") in value))
				continue
			printf "%s,%s,%s", $1, runs[r], value[runs[r], $1, "insns"]
			for (i = 1; i <= columns; i++)
				printf ",%s", value[runs[r], $1, keys[i]] + 0
			print ""
		}
	}' "$rows"
}

# memslot_table <csv>: the rows of the three modes side by side, then the other runs.
memslot_table() {
	awk -F, '
	NR == 1 { for (i = 3; i <= NF; i++) column[$i] = i; next }
	!($1 in seen) { seen[$1]; rows[++row_count] = $1 }
	{
		for (i = 3; i <= NF; i++)
			value[$1, $2, i] = $i
		has[$1, $2]
		if ($2 !~ /^(cached|lookup|mapped)$/)
			others[++other_count] = $1 SUBSEP $2
	}

	function grouped(number,   text) {
		for (text = int(number) ""; match(text, /[0-9][0-9][0-9][0-9]($|,)/);)
			text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
		return text
	}

	function cell(row, run, key) {
		if (!((row, run) in has))
			return "-"
		return key == "insns" ? grouped(value[row, run, column[key]]) : value[row, run, column[key]]
	}

	function width(key) { return key == "insns" ? 10 : 6 }

	END {
		keys = split("insns window_pte_writes invlpg region_lookups cache_hits cache_refreshes kicks", key, " ")
		split("instructions|window PTE writes|INVLPG|region look-ups|cache hits|refreshes|kicks", titles, "|")
		modes = split("cached lookup mapped", mode, " ")
		printf "%-22s", ""
		for (k = 1; k <= keys; k++)
			printf "  %-*s", 3 * width(key[k]), titles[k]
		printf "\n%-22s", ""
		for (k = 1; k <= keys; k++) {
			printf "  "
			for (m = 1; m <= modes; m++)
				printf "%*s", width(key[k]), k == 1 ? mode[m] : substr(mode[m], 1, 1)
		}
		print ""
		for (r = 1; r <= row_count; r++) {
			if (!((rows[r], "cached") in has))
				continue
			printf "%-22s", rows[r]
			for (k = 1; k <= keys; k++) {
				printf "  "
				for (m = 1; m <= modes; m++)
					printf "%*s", width(key[k]), cell(rows[r], mode[m], key[k])
			}
			print ""
		}
		if (!other_count)
			exit
		printf "\n%-22s %-10s", "", "run"
		split("instructions window INVLPG look-ups hits refreshes kicks exits recycled migrated", short, " ")
		split("insns window_pte_writes invlpg region_lookups cache_hits cache_refreshes kicks exits " \
			"contexts_recycled pages_migrated", all, " ")
		for (k = 1; k in all; k++)
			printf " %*s", k == 1 ? 12 : 9, short[k]
		print ""
		for (n = 1; n <= other_count; n++) {
			split(others[n], at, SUBSEP)
			printf "%-22s %-10s", at[1], at[2]
			for (k = 1; k in all; k++)
				printf " %*s", k == 1 ? 12 : 9, cell(at[1], at[2], all[k])
			print ""
		}
	}' "$1"
}

# memslot_plot <csv>: a program for gnuplot, with its data: three charts of the rows that the modes have.
memslot_plot() {
	awk -F, '
	NR == 1 { for (i = 3; i <= NF; i++) column[$i] = i; next }
	$2 ~ /^(cached|lookup|mapped)$/ {
		if (!($1 in seen)) {
			seen[$1]
			rows[++row_count] = $1
		}
		for (i = 3; i <= NF; i++)
			value[$1, $2, i] = $i
	}

	function chart(key, title,   r) {
		printf "$%s << EOD\nrow cached lookup mapped\n", key
		for (r = 1; r <= row_count; r++)
			printf "%s %s %s %s\n", rows[r], value[rows[r], "cached", column[key]] + 0,
				value[rows[r], "lookup", column[key]] + 0, value[rows[r], "mapped", column[key]] + 0
		printf "EOD\nset title \"%s\"\n", title
		printf "plot for [mode=2:4] $%s using mode:xtic(1) title columnheader(mode)\n", key
	}

	END {
		print "set terminal svg size 1000,1300 background \"white\""
		print "set style data histogram\nset style histogram clustered gap 1\nset style fill solid 0.8 border -1"
		print "set grid ytics\nset bmargin 7\nset xtics rotate by -30 noenhanced\nset yrange [0:*]\nset key top right"
		print "set multiplot layout 3,1"
		chart("insns", "instructions of an iteration")
		chart("window_pte_writes", "window PTE writes of an iteration")
		chart("region_lookups", "region look-ups of an iteration")
		print "unset multiplot"
	}' "$1"
}
