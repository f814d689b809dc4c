#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The expectations against recorded consoles. Each row: log | the verdict | the expectation | what is said ('' when met;
# a pattern).
set -uo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1090,SC1091 # they stand beside this file
for part in verdict expect; do
	. "$RUN_DIR/$part.sh"
done

number=0
status=0
while IFS='|' read -r log verdict expect want; do
	number=$((number + 1))
	got=$(expect_check "$expect" "$RUN_DIR/logs/$log.log" "$verdict")
	met=$?
	# shellcheck disable=SC2053 # a pattern is meant
	if [[ $got == $want && $met -eq $([ -z "$want" ]; echo $?) ]]; then
		echo "ok $number - expect/$log: $expect"
	else
		echo "not ok $number - expect/$log: $expect # expected '$want' got '$got' (status $met)"
		status=1
	fi
done <<'EOT'
pass|pass: x|pass|
pass|failed: x|pass|expected 'pass'; failed: x
none|pass: x|pass|no test ran; pass: x
pass|pass: x|shows ^ok 2 |
pass|pass: x|shows ^ok 99 |no console line matches '^ok 99 '; pass: x
pass|pass: x|shows ^ok 1 && shows ^ok 99 |no console line matches *
pass|pass: x|shows ^ok 99 && shows ^ok 1 |no console line matches *
pass|pass: x|shows|'shows' needs an argument
pass|pass: x|show ^ok|unknown expectation 'show ^ok'
bench|pass: x|counts l1_cpuid insns 240|
bench|pass: x|counts l1_cpuid insns 199|
bench|pass: x|counts l1_cpuid insns 198|BENCH l1_cpuid insns=199, allowed are 198; pass: x
bench|pass: x|counts l1_cpuid vmread 5|
bench|pass: x|counts rt_cpuid exits 3|
bench|pass: x|counts rt_cpuid exits 2|BENCH rt_cpuid exits=2.50, allowed are 2; pass: x
bench|pass: x|counts l1_cpu insns 240|not one 'BENCH l1_cpu' with 'insns='; pass: x
bench|pass: x|counts l1_cpuid ns 240|not one *
bench|pass: x|counts l1_cpuid,l1_rdmsr exits,vmwrite 1|
bench|pass: x|counts l1_cpuid,l1_rdmsr exits,vmread 4|BENCH l1_cpuid vmread=5, allowed are 4; pass: x
bench|pass: x|counts l1_cpuid,rt_cpuid exits,vmread 5|BENCH rt_cpuid vmread=26, allowed are 5; pass: x
bench|pass: x|counts l1_cpuid,l1_cpu exits 5|not one 'BENCH l1_cpu' with 'exits='; pass: x
bench|pass: x|near l1_cpuid,l1_rdmsr vmread 0|
bench|pass: x|near l1_cpuid,l1_rdmsr insns 19|
bench|pass: x|near l1_cpuid,l1_rdmsr insns 18|BENCH l1_rdmsr insns=235 is not within 18 % of 199; pass: x
bench|pass: x|near l1_rdmsr,l1_cpuid insns 15|BENCH l1_cpuid insns=199 is not within 15 % of 235; pass: x
bench|pass: x|near l1_cpuid,l1_cpu insns 18|not one *
twice|refused: x|refused no EPT|
twice|refused: x|refused no VMX|the refusal does not match 'no VMX'; refused: x
twice|pass: x|refused no EPT|expected 'refused'; pass: x
refused|refused: x|refused no EPT|
once|refused: x|refused no EPT|not once on the serial port and once on *
thrice|refused: x|refused no EPT|not once on the serial port and once on *
gone|refused: x|refused no EPT|refused, but not back in the firmware; *
success|refused: x|refused no EPT|refused, but the firmware was told success; *
dump|crashed: nestor: PANIC: x|panics #DF.*ran over the end of its main stack|
dump|crashed: nestor: PANIC: x|panics #PF|the dump does not match '#PF'; *
dump|crashed: nestor: PANIC: x|panics image at|the dump does not match *
panic|crashed: nestor: PANIC: x|panics assertion|the dump has no stack trace *
code|failed: x|stops triple fault|
code|failed: x|stops HLT|no 'nestor: L1 stopped:' that matches 'HLT'; *
not-ok|failed: x|stops triple fault|no 'nestor: L1 stopped:' *
not-ok|failed: x|fails ^not ok 2|
no-end|hung: x|hangs|
no-end|crashed: x|hangs|expected 'hung'; crashed: x
EOT
echo "1..$number"
exit "$status"
