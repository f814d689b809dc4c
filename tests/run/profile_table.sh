# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Which function executed how many of a trace's instructions. Pure: reads files, prints.

# profile_symbols <EFI's .so> <where it was loaded> <guest's ELF>: "address name" of all code, L0's marked.
profile_symbols() {
	nm "$1" | awk -v base="$2" '$2 ~ /[tT]/ { print "L0", base, $1, $3 }'
	nm "$3" | awk '$2 ~ /[tT]/ { print "L1/L2", "0x0", $1, $3 }'
}

# profile_table <trace of Bochs> <symbols> <way>: prints the functions, most instructions first; writes to <way> in
# what order they ran.
profile_table() {
	awk -v way="$3" -v symbols=0 '
	function number(hex,   i, n) {
		sub(/^0x/, "", hex)
		for (i = 1; i <= length(hex); i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n + 0
	}

	# The last symbol that does not lie above the address.
	function function_at(address,   low, high, middle) {
		low = 0
		for (high = symbols; high - low > 1;) {
			middle = int((low + high) / 2)
			if (at[middle] <= address)
				low = middle
			else
				high = middle
		}
		return names[low]
	}

	function sort_symbols(   i, j, key, name) {
		for (i = 1; i < symbols; i++) {
			key = at[i]
			name = names[i]
			for (j = i - 1; j >= 0 && at[j] > key; j--) {
				at[j + 1] = at[j]
				names[j + 1] = names[j]
			}
			at[j + 1] = key
			names[j + 1] = name
		}
	}

	function leave_function() {
		if (stay)
			printf "%6d  %s\n", stay, last >way
		stay = 0
	}

	NR == FNR {
		at[symbols] = number($2) + number($3)
		names[symbols++] = sprintf("%-5s %s", $1, $4)
		next
	}
	FNR == 1 { sort_symbols() }

	# (0).[ticks] [physical address] cs:rip (symbol): instruction ; bytes
	!match($0, /^\(0\)\.\[[0-9]+\] \[0x[0-9a-f]+\] [0-9a-f]+:[0-9a-f]+ /) { next }

	{
		split(substr($0, 1, RLENGTH - 1), words, ":")
		name = function_at(number(words[2]))
		insn = $0
		sub(/^.*\): /, "", insn)
		sub(/ .*/, "", insn)
		insns[name]++
		total++
		if (insn ~ /^(vm|inv(ept|vpid)|rdmsr|wrmsr)/)
			special[name, insn]++
		if (insn ~ /^(vm|inv(ept|vpid)|rdmsr|wrmsr)/ && !(insn in seen)) {
			seen[insn] = 1
			kinds[++kind_count] = insn
		}
		if (name != last)
			leave_function()
		last = name
		stay++
	}

	END {
		leave_function()
		printf "%7d  instructions\n", total
		for (name in insns) {
			line = sprintf("%7d  %-40s", insns[name], name)
			for (i = 1; i <= kind_count; i++)
				if ((name, kinds[i]) in special)
					line = line sprintf("  %s %d", kinds[i], special[name, kinds[i]])
			print line | "sort -k1,1nr -k3"
		}
	}' "$2" "$1"
}
