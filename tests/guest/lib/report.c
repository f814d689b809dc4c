/* SPDX-License-Identifier: MIT */
/* The last lines of a run and the ways to power off,
 * in the order in which they are tried: hypercall, QEMU, Bochs. */
#include "tests/guest/lib/report.h"
#include "hv/format.h"
#include "hv/x86.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/nestor.h"

#define QEMU_EXIT_PORT  0xf4u   /* isa-debug-exit: the process ends with status value << 1 | 1 */
#define BOCHS_EXIT_PORT 0x8900u /* ends Bochs when the eight bytes "Shutdown" were written */

enum report_code report_code_of(const struct report_counts *counts)
{
	u32 ran = counts->benches;

	for (size_t i = 0; i < ARRAY_SIZE(counts->outcomes); i++)
		ran += counts->outcomes[i];
	if (counts->outcomes[NESTOR_TEST_ERROR])
		return REPORT_ERROR;
	if (counts->outcomes[NESTOR_TEST_FAIL])
		return REPORT_FAILED;
	return ran ? REPORT_PASSED : REPORT_NONE_RAN;
}

_Noreturn static void power_off(enum report_code code)
{
	if (nestor_is_present())
		nestor_call(NESTOR_CALL_STOP, (u64)code, 0, NULL);
	out32(QEMU_EXIT_PORT, (u32)code);
	for (const char *p = "Shutdown"; *p; p++)
		out8(BOCHS_EXIT_PORT, (u8)*p);
	halt_forever();
}

void report_end(enum report_code code, const struct report_counts *counts)
{
	interrupts_off();
	print_line("guest: END code=%d passed=%u failed=%u skipped=%u errors=%u", (int)code,
		   counts->outcomes[NESTOR_TEST_PASS], counts->outcomes[NESTOR_TEST_FAIL],
		   counts->outcomes[NESTOR_TEST_SKIP], counts->outcomes[NESTOR_TEST_ERROR]);
	power_off(code);
}

void report_fatal(const char *fmt, ...)
{
	static const struct report_counts counts = { .outcomes[NESTOR_TEST_ERROR] = 1 };
	char text[CONSOLE_LINE_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	format_text_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_line("Bail out! %s", text);
	report_end(REPORT_ERROR, &counts);
}
