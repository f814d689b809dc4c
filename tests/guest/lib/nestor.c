/* SPDX-License-Identifier: MIT */
/* Discovery of Nestor and its hypercalls.
 * Guest memory is mapped one to one, so a pointer is an L1 physical address. */
#include "tests/guest/lib/nestor.h"
#include "hv/string.h"
#include "hv/x86.h"

#define EXIT_COUNTS_MAX 256

static u32 cpuid_base;
static u64 exit_counts[EXIT_COUNTS_MAX];

void nestor_init(void)
{
	for (u32 base = NESTOR_CPUID_BASE; base <= NESTOR_CPUID_LAST; base += NESTOR_CPUID_STRIDE) {
		struct cpuid_regs r = cpuid(base, 0);

		if (r.ebx == NESTOR_SIGNATURE_EBX && r.ecx == NESTOR_SIGNATURE_ECX &&
		    r.edx == NESTOR_SIGNATURE_EDX && r.eax > base) {
			cpuid_base = base;
			return;
		}
	}
}

bool nestor_is_present(void)
{
	return cpuid_base != 0;
}

u32 nestor_cpuid_base(void)
{
	return cpuid_base;
}

s64 nestor_call(u64 number, u64 rbx, u64 rcx, u64 *result)
{
	__asm__ volatile("vmcall" : "+a"(number), "+b"(rbx) : "c"(rcx), "d"(0) : "memory");
	if (result)
		*result = rbx;
	return (s64)number;
}

s64 nestor_call3(u64 number, u64 rbx, u64 rcx, u64 rdx)
{
	__asm__ volatile("vmcall" : "+a"(number) : "b"(rbx), "c"(rcx), "d"(rdx) : "memory");
	return (s64)number;
}

bool nestor_has(u64 capability)
{
	u64 capabilities = 0;

	return nestor_is_present() && !nestor_call(NESTOR_CALL_CAPABILITIES, 0, 0, &capabilities) &&
	       (capabilities & capability);
}

bool nestor_read_counters(u64 counters[NESTOR_COUNTERS])
{
	memset(counters, 0, NESTOR_COUNTERS * sizeof(counters[0]));
	return nestor_call(NESTOR_CALL_COUNTERS, (u64)counters, NESTOR_COUNTERS, NULL) == 0;
}

bool nestor_read_nested(u64 counts[NESTOR_NESTED_COUNTS])
{
	memset(counts, 0, NESTOR_NESTED_COUNTS * sizeof(counts[0]));
	return nestor_call(NESTOR_CALL_NESTED_COUNTS, (u64)counts, NESTOR_NESTED_COUNTS, NULL) == 0;
}

u64 nestor_count(enum nestor_counter which)
{
	u64 counters[NESTOR_COUNTERS];

	return nestor_is_present() && nestor_read_counters(counters) ? counters[which] : 0;
}

u64 nestor_exit_count(u32 reason)
{
	u64 count;

	if (nestor_call(NESTOR_CALL_EXIT_COUNTS, (u64)exit_counts, EXIT_COUNTS_MAX, &count) != 0 ||
	    reason >= MIN(count, EXIT_COUNTS_MAX))
		return ~0ULL;
	return exit_counts[reason];
}
