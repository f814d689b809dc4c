/* SPDX-License-Identifier: MIT */
/* The report at the end of a run. */
#include "hv/report.h"
#include "hv/cpu.h"
#include "hv/log.h"
#include "hv/machine.h"
#include "hv/nmi.h"
#include "hv/percpu.h"
#include "hv/recorder.h"
#include "vmx/vm.h"

static const char *const counter_texts[COUNTERS] = {
#define COUNTER(name, text) [CTR_##name] = (text),
#include "hv/counters.def"
#undef COUNTER
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

void report_print(const struct boot_info *info)
{
	const struct vm *vm = machine_vm();

	nmi_report();
	log_line("report", "L1 ran; from Nestor's entry to L1's first instruction: %llu TSC ticks",
		 (unsigned long long)(vm->first_entry_tsc - info->entry_tsc));
	print_exits("exit", sum_exits);
	print_exits("exit of L2", sum_exits_l2);
	print_counters();
	log_line("report", "tests: %llu passed, %llu failed, %llu skipped, %llu broken",
		 (unsigned long long)vm->outcomes[NESTOR_TEST_PASS],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_FAIL],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_SKIP],
		 (unsigned long long)vm->outcomes[NESTOR_TEST_ERROR]);
	if (info->config.log & LOG_EXITS)
		recorder_dump(this_cpu(), EXIT_RECORDS);
}
