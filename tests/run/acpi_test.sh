#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# acpi_test.sh <folder>: have iasl judge the tables that tests/unit/hv/guest/acpi_tables_test.c has left there. It must
# disassemble each, compile that without a warning, and come to the same bytes but for those that name the compiler.
set -uo pipefail

folder=$1
tables=(apic dsdt facp facs mcfg rsdt xsdt)
cpus=(1 2 4 16)
number=0
status=0

report() {
	number=$((number + 1))
	[ -z "$2" ] && echo "ok $number - acpi/$1" && return
	echo "not ok $number - acpi/$1 # $2"
	status=1
}

# same <table> <compiled>: but for checksum, creator id and creator revision. A FACS has no such header.
same() {
	[ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ] &&
		! cmp -l "$1" "$2" | awk '$1 != 10 && ($1 < 29 || $1 > 36)' | grep -q .
}

# judge <folder/table>: print what is wrong with it, if anything.
judge() {
	local again=$1-again

	rm -f "$1.dsl" "$again.aml"
	if ! [ -s "$1.dat" ]; then
		echo "there is no such table; make unit leaves it"
	elif ! iasl -vs -p "$1" -d "$1.dat" >"$1.log" 2>&1 || grep -qiE 'warning|error|invalid' "$1.log" "$1.dsl"; then
		echo "iasl cannot disassemble it, see $1.log"
	elif ! iasl -vs -we -p "$again" "$1.dsl" >"$1.log" 2>&1; then
		echo "iasl does not compile it again, see $1.log"
	elif ! same "$1.dat" "$again.aml"; then
		echo "it is another table when it was compiled again, see $again.aml"
	fi
}

for count in "${cpus[@]}"; do
	for table in "${tables[@]}"; do
		report "$count/$table" "$(judge "$folder/$count/$table")"
	done
done
echo "1..$number"
exit "$status"
