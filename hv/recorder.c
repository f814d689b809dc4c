/* SPDX-License-Identifier: MIT */
/* Printing the flight recorder. The CPU asked about should stand still:
 * its ring is read without a lock. */
#include "hv/recorder.h"
#include "hv/log.h"

typedef unsigned long long ull;

static void dump_record(const struct cpu *cpu, u64 number)
{
	const struct exit_record *r = &cpu->records[number % EXIT_RECORDS];

	if (r->flags & EXIT_RECORD_HAS_QUALIFICATION)
		log_line("exits",
			 "#%llu tsc=%llu vcpu=%u %s(%u) rip=0x%llx detail=0x%llx "
			 "qualification=0x%llx",
			 (ull)number, (ull)r->tsc, r->vcpu, exit_reason_name(r->reason),
			 r->reason & 0xffff, (ull)r->rip, (ull)r->detail, (ull)r->qualification);
	else
		log_line("exits", "#%llu tsc=%llu vcpu=%u %s(%u) rip=0x%llx detail=0x%llx",
			 (ull)number, (ull)r->tsc, r->vcpu, exit_reason_name(r->reason),
			 r->reason & 0xffff, (ull)r->rip, (ull)r->detail);
}

void recorder_dump(const struct cpu *cpu, u32 count)
{
	u64 kept = MIN(cpu->record_next, (u64)MIN(count, EXIT_RECORDS));

	log_line("exits", "CPU %u: %llu exits, the last %llu:", cpu->index, (ull)cpu->record_next,
		 (ull)kept);
	for (u64 number = cpu->record_next - kept; number < cpu->record_next; number++)
		dump_record(cpu, number);
}
