/* SPDX-License-Identifier: MIT */
/* The capability report: what it names for which CPU,
 * and that no line is longer than the log takes. */
#include <stdio.h>
#include "unit.h"
#include "hv/log.h"
#include "vmx/caps.h"
#include "vmx/caps_log.h"
#include "caps_models.h"

#define LINES_MAX    40
#define LOG_LINE_MAX 500 /* hv/log.c cuts lines at 510 bytes, prefix included */

static char lines[LINES_MAX][1024];
static u32 line_count;

void log_line(const char *subsystem, const char *fmt, ...)
{
	va_list ap;
	int head;

	assert_true(line_count < LINES_MAX);
	head = snprintf(lines[line_count], sizeof(lines[0]), "%s: ", subsystem);
	va_start(ap, fmt);
	vsnprintf(lines[line_count] + head, sizeof(lines[0]) - (size_t)head, fmt, ap);
	va_end(ap);
	line_count++;
}

static void report(u32 model)
{
	caps_model_load(&caps_models[model]);
	vmx_caps_read();
	line_count = 0;
	caps_log();
}

/* How many lines with this head hold the text. */
static u32 count(const char *head, const char *text)
{
	u32 found = 0;

	for (u32 i = 0; i < line_count; i++)
		found += strncmp(lines[i], head, strlen(head)) == 0 && strstr(lines[i], text);
	return found;
}

UNIT(a_cpu_without_vmx_gives_one_line)
{
	host_x86_reset();
	vmx_caps_read();
	line_count = 0;
	caps_log();
	assert_int_equal(line_count, 1);
	assert_string_equal(lines[0], "caps: no VMX");
}

UNIT(controls_are_listed_by_name_and_set)
{
	report(SKYLAKE_X);
	assert_int_equal(count("caps: pin-based: ", "NMI exiting, virtual NMIs, activate VMX-"), 1);
	assert_int_equal(count("caps: secondary processor-based: ", "VMCS shadowing"), 1);
	assert_int_equal(count("caps: secondary processor-based: ", "use TSC scaling"), 1);
	assert_int_equal(count("caps: VM-exit: ", "save IA32_EFER"), 1);
	assert_int_equal(count("caps: VM-entry: ", "IA-32e mode guest"), 1);
}

UNIT(what_a_cpu_lacks_is_not_listed)
{
	report(SANDY_BRIDGE);
	assert_int_equal(count("caps: ", "VMCS shadowing"), 0);
	assert_int_equal(count("caps: ", "posted interrupts"), 0);
	assert_int_equal(count("caps: EPT and VPID: ", "accessed/dirty flags"), 0);
	assert_int_equal(count("caps: EPT and VPID: ", "2 MiB pages"), 1);
}

UNIT(a_cpu_without_ept_says_none)
{
	report(PENRYN);
	assert_int_equal(count("caps: EPT and VPID: none", "none"), 1);
}

UNIT(the_vmcs_line_has_the_numbers)
{
	report(TIGERLAKE);
	assert_string_equal(lines[0], "caps: VMCS revision 0x4, 4096 bytes, TRUE controls, "
				      "MAXPHYADDR 40, highest field index 26");
	assert_int_equal(count("caps: timer shift 0, CR3 targets 4, MSR list at most 512", ""), 1);
}

UNIT(every_line_fits_the_log)
{
	struct caps_model all = caps_models[TIGERLAKE];

	all.pin = all.cpu = all.cpu2 = all.exit = all.entry = 0xffffffff;
	all.ept_vpid = ~0ULL;
	caps_model_load(&all);
	vmx_caps_read();
	line_count = 0;
	caps_log();
	for (u32 i = 0; i < line_count; i++)
		assert_true(strlen(lines[i]) < LOG_LINE_MAX);
	assert_int_equal(count("caps: secondary processor-based: ", "virtualize APIC accesses"), 1);
	assert_int_equal(count("caps: secondary processor-based: ", "instruction timeout"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_without_vmx_gives_one_line),
		cmocka_unit_test(controls_are_listed_by_name_and_set),
		cmocka_unit_test(what_a_cpu_lacks_is_not_listed),
		cmocka_unit_test(a_cpu_without_ept_says_none),
		cmocka_unit_test(the_vmcs_line_has_the_numbers),
		cmocka_unit_test(every_line_fits_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
