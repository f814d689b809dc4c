/* SPDX-License-Identifier: MIT */
/* The report at the end of a run. */
#include "hv/report.h"
#include "hv/cpu.h"
#include "hv/log.h"
#include "hv/machine.h"
#include "hv/nmi.h"
#include "hv/percpu.h"
#include "hv/recorder.h"
#include "vmx/nested_calls.h"
#include "vmx/vm.h"

static const char *const counter_texts[COUNTERS] = {
#define COUNTER(name, text) [CTR_##name] = (text),
#include "hv/counters.def"
#undef COUNTER
};

static const char *const nested_count_texts[NESTED_COUNTS] = {
#define NESTED_COUNT(name, from, text) [NESTED_COUNT_##name] = (text),
#include "hv/nested_counts.def"
#undef NESTED_COUNT
};

static u64 sum_exits(u32 reason)
{
	u64 sum = 0;

	for (u32 i = 0; i < cpu_count(); i++)
		sum += cpu_get(i)->exits[reason];
	return sum;
}

static u64 sum_exits_l2(u32 reason)
{
	u64 sum = 0;

	for (u32 i = 0; i < cpu_count(); i++)
		sum += cpu_get(i)->exits_l2[reason];
	return sum;
}

static u64 sum_counter(u32 counter)
{
	u64 sum = 0;

	for (u32 i = 0; i < cpu_count(); i++)
		sum += cpu_get(i)->counters[counter];
	return sum;
}

static void print_exits(const char *whose, u64 (*sum)(u32 reason))
{
	for (u32 reason = 0; reason < EXIT_REASONS_MAX; reason++) {
		u64 count = sum(reason);

		if (count)
			log_line("report", "%10llu  %s %2u %s", (unsigned long long)count, whose,
				 reason, exit_reason_name(reason));
	}
}

static void print_counters(void)
{
	for (u32 counter = 0; counter < COUNTERS; counter++) {
		u64 count = sum_counter(counter);

		if (count)
			log_line("report", "%10llu  %s", (unsigned long long)count,
				 counter_texts[counter]);
	}
}

static void print_nested_counts(const struct vm *vm)
{
	u64 counts[NESTED_COUNTS];

	nested_read_counts(vm, counts);
	for (u32 i = 0; i < NESTED_COUNTS; i++) {
		if (counts[i])
			log_line("report", "%10llu  %s", (unsigned long long)counts[i],
				 nested_count_texts[i]);
	}
}

void report_print(const struct boot_info *info)
{
	const struct vm *vm = machine_vm();

	nmi_report();
	log_line("report", "L1 ran; its first instruction: TSC %llu, %llu ticks after Nestor's",
		 (unsigned long long)vm->first_entry_tsc,
		 (unsigned long long)(vm->first_entry_tsc - info->entry_tsc));
	print_exits("exit", sum_exits);
	print_exits("exit of L2", sum_exits_l2);
	print_counters();
	if (vm->nested)
		print_nested_counts(vm);
	log_line("report", "tests: %llu passed, %llu failed, %llu skipped, %llu broken",
		 (unsigned long long)vm->outcomes[NESTOR_TEST_PASS],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_FAIL],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_SKIP],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_ERROR]);
	if (info->config.log & LOG_EXITS)
		recorder_dump(this_cpu(), EXIT_RECORDS);
}
