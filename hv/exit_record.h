/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: a ring of the last exits of each CPU.
 * The current exit's facts live in its ring entry while it is handled,
 * so recording costs no copy; a field that no handler asked for stays 0.
 */
#ifndef HV_EXIT_RECORD_H
#define HV_EXIT_RECORD_H

#include "hv/types.h"

#define EXIT_RECORDS 64u /* a power of two */
#define EXIT_REASONS_MAX \
	80u /* basic exit reasons that are counted one by one; the last row takes all above */

/* A cache line each. */
struct exit_record {
	u64 tsc;
	u64 rip;
	u64 qualification;
	union {
		u64 detail; /* what the handler keeps: leaf, MSR, port, guest-physical address */
		const char *rule; /* with EXIT_RECORD_RULE: why an entry of L2 was refused */
	};
	u32 reason; /* as read from the VMCS, with its flag bits */
	u32 vcpu;   /* its number, and EXIT_RECORD_* */
} __attribute__((aligned(64)));

#define EXIT_RECORD_QUALIFIED (1u << 31) /* the qualification was read */
#define EXIT_RECORD_RULE      (1u << 30)
#define EXIT_RECORD_FLAGS     (EXIT_RECORD_QUALIFIED | EXIT_RECORD_RULE)

#endif
