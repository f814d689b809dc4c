/* SPDX-License-Identifier: MIT */
/*
 * EPT12: the EPT tables that L1 built for an L2, walked as the CPU would walk them (SDM "EPT
 * Translation Mechanism"). Pure: L1's memory is reached through functions, nothing is cached. The
 * walk itself changes nothing; the accessed and dirty flags it owes are a second step, so that who
 * logs dirty pages for L1 can look at its log in between. EPTP02's bit 6 must be EPTP12's, for it
 * says whether L2's page walks count as writes.
 */
#ifndef VMX_NESTED_EPT12_H
#define VMX_NESTED_EPT12_H

#include "mm/ept_entry.h"
#include "mm/mtrr.h"
#include "vmx/caps.h"
#include "vmx/qualification.h"

#define EPT12_LEVELS_MAX 5u

struct ept12 {
	u64 eptp; /* valid: eptp_is_valid() */
	const struct vmx_caps *l1;
	/* One entry of a table: 0, or negative where L1 has no memory, which reads as all ones. */
	int (*read)(void *context, l1_gpa_t at, u64 *entry);
	/* Set flags in an entry, atomically, if it still is what was seen: 0, or negative. */
	int (*mark)(void *context, l1_gpa_t at, u64 seen, u64 flags);
	void *context;
};

struct ept12_access {
	l2_gpa_t gpa;
	bool read, write, fetch;
	/* By the walk of L2's own paging structures, but for the PDPTE loads of MOV to CR. */
	bool paging_structure;
	u64 qualification; /* of the exit that brings the access: EPT12_PASSED of it is kept */
};

/* Of an EPT violation's qualification, what does not depend on EPT12: whether there is a linear
 * address, whether it is what was accessed, NMI unblocking due to IRET. */
#define EPT12_PASSED (EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND | EPT_VIOLATION_NMI_UNBLOCKING)

enum ept12_outcome { EPT12_OK, EPT12_VIOLATION, EPT12_MISCONFIGURATION };

struct ept12_walk {
	enum ept12_outcome outcome;
	u64 qualification; /* the exit's, for L1; 0 when the outcome is OK */
	l2_gpa_t from;
	bool write;     /* counts as a write */
	bool has_flags; /* the tables have accessed and dirty flags */
	/* The entries read, from the root on. */
	struct ept12_used {
		l1_gpa_t at;
		u64 value;
	} used[EPT12_LEVELS_MAX];
	u32 used_count;
	/* The rest has a meaning when the outcome is OK. */
	l1_gpa_t to;
	u32 level;  /* of the leaf, which is the last entry used */
	u64 rights; /* EPT_READ, EPT_WRITE, EPT_EXECUTE that all entries give */
	enum memory_type type;
	bool ignore_pat;
};

/* The access that an EPT violation under EPT02 tells of. */
static inline struct ept12_access ept12_access_of_exit(l2_gpa_t gpa, u64 qualification)
{
	u64 linear = qualification & (EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND);

	return (struct ept12_access){
		.gpa = gpa,
		.read = qualification & EPT_VIOLATION_READ,
		.write = qualification & EPT_VIOLATION_WRITE,
		.fetch = qualification & EPT_VIOLATION_FETCH,
		.paging_structure = linear == EPT_VIOLATION_LINEAR,
		.qualification = qualification,
	};
}

/* The rule of VM entries for EPTP (SDM "VM-Execution Control Fields"), and of INVEPT. */
bool eptp_is_valid(u64 eptp, const struct vmx_caps *l1);

struct ept12_walk ept12_translate(const struct ept12 *ept, const struct ept12_access *access);

/* A table on the way to an address, as a CPU keeps them in its paging-structure caches. */
struct ept12_table {
	l1_gpa_t at;
	u32 level;
	u64 rights; /* that the entries above give */
};
/* The rest of the walk, from a table on: used[] begins there. */
void ept12_translate_from(const struct ept12 *ept, const struct ept12_access *access,
			  const struct ept12_table *table, struct ept12_walk *walk);
/* Where a walk begins. */
struct ept12_table ept12_root(const struct ept12 *ept, const struct ept12_access *access);

/* Whether the access makes the leaf's dirty flag 1: L1's page-modification log is due. */
bool ept12_sets_dirty(const struct ept12_walk *walk);

/* Set the flags that a walk with outcome OK owes. 0, or what mark() said: translate again. The
 * second try may say so too where tables point to themselves, but each sets more of the flags. */
int ept12_set_flags(const struct ept12 *ept, const struct ept12_walk *walk);

/* Whether the leaf was dirty before this access. */
static inline bool ept12_was_dirty(const struct ept12_walk *walk)
{
	return walk->used[walk->used_count - 1].value & EPT_DIRTY;
}

#endif
