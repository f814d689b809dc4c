# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A trace by the steps of a VM entry and a VM exit rather than by functions. Pure: reads files, prints.

# profile_chains <EFI's .so> <where it was loaded> <trace>: "address function function ..." of the traced code of L0,
# the innermost inlined function first; those of assembly with "asm:" before their name.
profile_chains() {
	local base=$(($2)) size address
	size=$(($(stat -c %s "$1")))
	sed -n 's/^(0)\.\[[0-9]*\] \[0x[0-9a-f]*\] [0-9a-f]*:\([0-9a-f]*\) .*/\1/p' "$3" | sort -u | while read -r address; do
		address=$((16#$address - base))
		((address < 0 || address >= size)) || printf '0x%x\n' "$address"
	done | addr2line -a -f -i -e "$1" | awk -v base="$base" '
	function number(hex,   i, n) {
		sub(/^0x/, "", hex)
		for (i = 1; i <= length(hex); i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n + 0
	}
	function leave() {
		if (address != "")
			printf "%d%s\n", base + number(address), chain
		chain = ""
	}
	/^0x/ { leave(); address = $1; next }
	/:[0-9?]/ { chain = chain " " ($1 ~ /\.(asm|inc):/ ? "asm:" : "") name; next }
	{ name = $1 }
	END { leave() }'
}

# profile_steps <trace> <chains> <steps>: rows of a Markdown table, with the VMREADs and the like of each step.
profile_steps() {
	awk -v chains="$2" -v table="$3" '
	function number(hex,   i, n) {
		for (i = 1; i <= length(hex); i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n + 0
	}

	# The step of an instruction of L0; that of the caller where its functions have none.
	function step_at(whose, address, caller,   i, n, names) {
		n = split(chain[address], names, " ")
		for (i = 1; i <= n; i++)
			if ((whose, names[i]) in step_of)
				return step_of[whose, names[i]]
		return caller ? caller : other
	}

	# What lies between two crossings, of one level.
	function account(from, to,   i, step, whose) {
		whose = "L1"
		for (i = from; i < to; i++)
			if ((at[i] in chain) && (" " chain[at[i]] " ") ~ / nested_exit /)
				whose = "L2"
		for (i = from; i < to; i++) {
			step = (at[i] in chain) ? step_at(whose, at[i], step) : guest
			insns[step]++
			count[step, insn[i]]++
		}
	}

	function row(name,   i) {
		printf "| %s | %d", title[name], insns[name]
		for (i = 1; i <= kinds; i++) {
			printf " | %s", count[name, kind[i]] ? count[name, kind[i]] : ""
			count["total", kind[i]] += count[name, kind[i]]
		}
		print " |"
		insns["total"] += insns[name]
	}

	BEGIN {
		kinds = split("vmread vmwrite vmptrld vmclear invept invvpid vmresume", kind, " ")
		while ((getline line < table) > 0) {
			if (line ~ /^#/)
				continue
			split(line, part, "|")
			title[++steps] = "exit of " part[1] " | " part[2]
			n = split(part[3], names, " ")
			for (i = 1; i <= n; i++)
				step_of[part[1], names[i]] = steps
		}
		other = ++steps
		title[other] = "| other functions of L0"
		guest = ++steps
		title[guest] = "| L1 and L2 themselves"
		title["total"] = "| all of Nestor"
		while ((getline line < chains) > 0) {
			n = index(line, " ")
			chain[substr(line, 1, n - 1)] = substr(line, n + 1)
		}
	}

	!match($0, /^\(0\)\.\[[0-9]+\] \[0x[0-9a-f]+\] [0-9a-f]+:[0-9a-f]+ /) { next }

	{
		split(substr($0, 1, RLENGTH - 1), words, ":")
		at[++traced] = number(words[2])
		insn[traced] = $0
		sub(/^.*\): /, "", insn[traced])
		sub(/ .*/, "", insn[traced])
	}

	END {
		first = 1
		for (i = 2; i <= traced + 1; i++) {
			if (i <= traced && (at[i] in chain) == (at[i - 1] in chain))
				continue
			account(first, i)
			first = i
		}
		print "| | step | instructions | VMREAD | VMWRITE | VMPTRLD | VMCLEAR | INVEPT | INVVPID | VMRESUME |"
		print "|---|---|---|---|---|---|---|---|---|---|"
		for (i = 1; i <= other; i++)
			if (insns[i])
				row(i)
		row("total")
		row(guest)
	}' "$1"
}
