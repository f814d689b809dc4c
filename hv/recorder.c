/* SPDX-License-Identifier: MIT */
/* Printing the flight recorder. The CPU asked about should stand still:
 * its ring is read without a lock. */
#include "hv/recorder.h"
#include "hv/log.h"

typedef unsigned long long ull;

static void dump_record(const struct cpu *cpu, u64 number)
{
	const struct exit_record *r = &cpu->records[number % EXIT_RECORDS];

	if (r->vcpu & EXIT_RECORD_QUALIFIED)
		log_line("exits",
			 "#%llu tsc=%llu vcpu=%u %s(%u) rip=0x%llx detail=0x%llx "
			 "qualification=0x%llx",
			 (ull)number, (ull)r->tsc, r->vcpu & ~EXIT_RECORD_QUALIFIED,
			 exit_reason_name(r->reason), r->reason & 0xffff, (ull)r->rip,
			 (ull)r->detail, (ull)r->qualification);
	else
		log_line("exits", "#%llu tsc=%llu vcpu=%u %s(%u) rip=0x%llx detail=0x%llx",
			 (ull)number, (ull)r->tsc, r->vcpu & ~EXIT_RECORD_QUALIFIED,
			 exit_reason_name(r->reason), r->reason & 0xffff, (ull)r->rip,
			 (ull)r->detail);
}

void recorder_dump(const struct cpu *cpu, u32 count)
{
	u64 exits = cpu->counters[CTR_EXITS]; /* each one was recorded */
	u64 kept = MIN(exits, (u64)MIN(count, EXIT_RECORDS));

	log_line("exits", "CPU %u: %llu exits, the last %llu:", cpu->index, (ull)exits, (ull)kept);
	for (u64 number = exits - kept; number < exits; number++)
		dump_record(cpu, number);
}
