/* SPDX-License-Identifier: MIT */
/* The outcome of the test that runs now, and what a test has to leave as it found it. */
#include "tests/guest/lib/outcome.h"
#include "hv/format.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

struct cpu_state {
	u64 cr0, cr3, cr4, cr8, efer;
};

static struct outcome current;
static bool is_verbose;

static void report(enum nestor_outcome result, const char *text)
{
	if (result > current.result) {
		current.result = result;
		format_text(current.text, sizeof(current.text), "%s", text);
	} else if (is_verbose) {
		print_line("# also: %s", text);
	}
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[OUTCOME_TEXT_MAX];
	size_t length;
	va_list ap;

	length = format_text(text, sizeof(text), "%s:%d ", file, line);
	length = MIN(length, sizeof(text) - 1);
	va_start(ap, fmt);
	format_text_va(text + length, sizeof(text) - length, fmt, ap);
	va_end(ap);
	report(NESTOR_TEST_FAIL, text);
}

void test_skip(const char *why)
{
	report(NESTOR_TEST_SKIP, why);
}

void test_error(const char *file, int line, const char *why)
{
	char text[OUTCOME_TEXT_MAX];

	format_text(text, sizeof(text), "%s:%d ERROR %s", file, line, why);
	report(NESTOR_TEST_ERROR, text);
}

static struct cpu_state read_state(void)
{
	return (struct cpu_state){ read_cr0(), read_cr3(), read_cr4(), read_cr8(),
				   rdmsr(MSR_IA32_EFER) };
}

static void check_restored(const char *name, u64 before, u64 after)
{
	char text[OUTCOME_TEXT_MAX];

	if (before == after)
		return;
	format_text(text, sizeof(text), "ERROR the test leaves %s changed: 0x%llx, was 0x%llx",
		    name, (unsigned long long)after, (unsigned long long)before);
	report(NESTOR_TEST_ERROR, text);
}

static void restore_state(const struct cpu_state *before)
{
	struct cpu_state after = read_state();

	check_restored("CR0", before->cr0, after.cr0);
	check_restored("CR3", before->cr3, after.cr3);
	check_restored("CR4", before->cr4, after.cr4);
	check_restored("CR8", before->cr8, after.cr8);
	check_restored("EFER", before->efer, after.efer);
	write_cr0(before->cr0);
	write_cr4(before->cr4);
	write_cr3(before->cr3);
	write_cr8(before->cr8);
	wrmsr(MSR_IA32_EFER, before->efer);
}

const struct outcome *outcome_of(void (*run)(void))
{
	struct cpu_state before = read_state();
	struct trap trap;

	current = (struct outcome){ .result = NESTOR_TEST_PASS };
	trap = TRAP_OF(run());
	if (trap.vector != TRAP_NONE) {
		char text[OUTCOME_TEXT_MAX];

		format_text(text, sizeof(text),
			    "ERROR trap %llu error 0x%llx at rip 0x%llx cr2 0x%llx",
			    (unsigned long long)trap.vector, (unsigned long long)trap.error,
			    (unsigned long long)trap.rip, (unsigned long long)trap.cr2);
		report(NESTOR_TEST_ERROR, text);
	}
	restore_state(&before);
	return &current;
}

void outcome_set_verbose(bool verbose)
{
	is_verbose = verbose;
}
