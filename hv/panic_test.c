/* SPDX-License-Identifier: MIT */
/* Faults of L0 on purpose. */
#include "hv/panic_test.h"
#include "hv/panic.h"
#include "hv/x86.h"

static const u64 constant = 1;
static u8 return_instruction[16] = { 0xc3 };

static void broken_promise(void)
{
	u64 even = rdtsc() | 1;

	ASSERT(even % 2 == 0);
}

static void invalid_instruction(void)
{
	__asm__ volatile("ud2");
}

/* Not a tail call, so each level takes stack. */
__attribute__((noinline)) static u64 recurse(u64 level)
{
	volatile u64 use[16] = { level };

	if (level == UINT64_MAX)
		return 0;
	return recurse(level + 1) + use[0];
}

static void overflow(void)
{
	recurse(0);
}

static void write_code(void)
{
	*(volatile u8 *)(uintptr_t)panic_test_run = 0xc3;
}

static void write_constant(void)
{
	*(volatile u64 *)(uintptr_t)&constant = 2;
}

static void execute_data(void)
{
	void (*volatile function)(void) = (void (*)(void))(uintptr_t)return_instruction;

	function();
}

static void read_null(void)
{
	u64 value;

	__asm__ volatile("movq 0, %0" : "=r"(value));
}

static void (*const tests[PANIC_TESTS])(void) = {
	[PANIC_TEST_ASSERT] = broken_promise, [PANIC_TEST_UD] = invalid_instruction,
	[PANIC_TEST_OVERFLOW] = overflow,     [PANIC_TEST_CODE] = write_code,
	[PANIC_TEST_CONST] = write_constant,  [PANIC_TEST_NX] = execute_data,
	[PANIC_TEST_NULL] = read_null,
};

void panic_test_run(enum panic_test which)
{
	if (which == PANIC_TEST_NONE)
		return;
	tests[which]();
	panic("panic test %u: the fault did not come", which);
}
