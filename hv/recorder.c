/* SPDX-License-Identifier: MIT */
/* Printing the flight recorder. The CPU asked about should stand still:
 * its ring is read without a lock. */
#include "hv/recorder.h"
#include "hv/format.h"
#include "hv/log.h"

#define DETAIL_MAX 128u /* longer than any rule's name */

typedef unsigned long long ull;

/* What a handler kept of the exit. */
static void format_detail(const struct exit_record *r, char *text, size_t size)
{
	if (r->vcpu & EXIT_RECORD_RULE)
		format_text(text, size, "refused=\"%s\"", r->rule);
	else
		format_text(text, size, "detail=0x%llx", (ull)r->detail);
}

static void dump_record(const struct cpu *cpu, u64 number)
{
	const struct exit_record *r = &cpu->records[number % EXIT_RECORDS];
	char detail[DETAIL_MAX], qualification[40] = "";
	u32 basic = r->reason & 0xffff;

	format_detail(r, detail, sizeof(detail));
	if (r->vcpu & EXIT_RECORD_QUALIFIED)
		format_text(qualification, sizeof(qualification), " qualification=0x%llx",
			    (ull)r->qualification);
	log_line("exits", "#%llu tsc=%llu vcpu=%u %s(%u) rip=0x%llx %s%s", (ull)number, (ull)r->tsc,
		 r->vcpu & ~EXIT_RECORD_FLAGS, exit_reason_name(basic), basic, (ull)r->rip, detail,
		 qualification);
}

void recorder_dump(const struct cpu *cpu, u32 count)
{
	u64 exits = cpu->counters[CTR_EXITS]; /* each one was recorded */
	u64 kept = MIN(exits, (u64)MIN(count, EXIT_RECORDS));

	log_line("exits", "CPU %u: %llu exits, the last %llu:", cpu->index, (ull)exits, (ull)kept);
	for (u64 number = exits - kept; number < exits; number++)
		dump_record(cpu, number);
}
