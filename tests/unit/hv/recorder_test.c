/* SPDX-License-Identifier: MIT */
/* The flight recorder's lines: what of an exit is told, and how. */
#include <stdio.h>
#include "unit.h"
#include "hv/log.h"
#include "hv/recorder.h"

#define LINES_MAX 80

static char lines[LINES_MAX][512];
static u32 line_count;
static struct cpu cpu;

void log_line(const char *subsystem, const char *fmt, ...)
{
	va_list ap;

	assert_true(line_count < LINES_MAX);
	assert_string_equal(subsystem, "exits");
	va_start(ap, fmt);
	vsnprintf(lines[line_count++], sizeof(lines[0]), fmt, ap);
	va_end(ap);
}

static int setup(void **state)
{
	(void)state;
	line_count = 0;
	cpu = (struct cpu){ 0 };
	return 0;
}

static void record(struct exit_record r)
{
	cpu.records[cpu.counters[CTR_EXITS]++ % EXIT_RECORDS] = r;
}

UNIT(an_exit_is_one_line)
{
	record((struct exit_record){ .tsc = 5, .rip = 0x1000, .detail = 0x17, .reason = 10 });
	recorder_dump(&cpu, 1);
	assert_int_equal(line_count, 2);
	assert_string_equal(lines[0], "CPU 0: 1 exits, the last 1:");
	assert_string_equal(lines[1], "#0 tsc=5 vcpu=0 CPUID(10) rip=0x1000 detail=0x17");
}

UNIT(the_qualification_is_told_where_it_was_read)
{
	record((struct exit_record){ .rip = 0x1000,
				     .qualification = 0x1f0,
				     .reason = 30,
				     .vcpu = 3 | EXIT_RECORD_QUALIFIED });
	recorder_dump(&cpu, 1);
	assert_string_equal(lines[1], "#0 tsc=0 vcpu=3 I/O instruction(30) rip=0x1000 detail=0x0 "
				      "qualification=0x1f0");
}

UNIT(a_refused_entry_names_its_rule)
{
	record((struct exit_record){ .rip = 0x2000,
				     .rule = "CR3-target count",
				     .reason = 24,
				     .vcpu = 1 | EXIT_RECORD_RULE });
	recorder_dump(&cpu, 1);
	assert_string_equal(lines[1],
			    "#0 tsc=0 vcpu=1 VMRESUME(24) rip=0x2000 refused=\"CR3-target count\"");
}

UNIT(flags_of_the_reason_are_no_part_of_its_name)
{
	record((struct exit_record){ .reason = BIT(31) | 33 });
	recorder_dump(&cpu, 1);
	assert_non_null(strstr(lines[1], "VM-entry failure"));
	assert_non_null(strstr(lines[1], "(33)"));
}

UNIT(the_last_ones_oldest_first)
{
	for (u64 i = 0; i < EXIT_RECORDS + 10; i++)
		record((struct exit_record){ .tsc = 100 + i, .reason = 10 });
	recorder_dump(&cpu, 1000);
	assert_int_equal(line_count, 1 + EXIT_RECORDS);
	assert_non_null(strstr(lines[1], "#10 tsc=110 "));
	assert_non_null(strstr(lines[EXIT_RECORDS], "#73 tsc=173 "));
	line_count = 0;
	recorder_dump(&cpu, 2);
	assert_int_equal(line_count, 3);
	assert_non_null(strstr(lines[1], "#72 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_exit_is_one_line, setup),
		cmocka_unit_test_setup(the_qualification_is_told_where_it_was_read, setup),
		cmocka_unit_test_setup(a_refused_entry_names_its_rule, setup),
		cmocka_unit_test_setup(flags_of_the_reason_are_no_part_of_its_name, setup),
		cmocka_unit_test_setup(the_last_ones_oldest_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
