/* SPDX-License-Identifier: MIT */
/* What belongs to one physical CPU.
 * Only that CPU writes it, except where a field says otherwise. */
#ifndef HV_CPU_H
#define HV_CPU_H

#include "hv/exit_record.h"
#include "hv/page_source.h"
#include "hv/types.h"

enum counter {
#define COUNTER(name, text) CTR_##name,
#include "hv/counters.def"
#undef COUNTER
	COUNTERS
};

struct vcpu;

struct cpu {
	struct cpu *self; /* gs:0 */
	u32 index;
	u32 apic_id;
	struct vcpu *vcpu;  /* that runs here now */
	struct vcpu *guest; /* whose registers beyond the VMCS are in this CPU; NULL: nobody's */
	void *vmxon_region;
	void *current_vmcs; /* as VMPTRLD left it; NULL: none */
	u32 window_depth;   /* transient slots in use */
	u32 online;         /* set once with release, read by the boot CPU with acquire */
	u32 in_vmx_root;    /* likewise */
	u32 idle;           /* 1 while it waits in HLT, or is about to: pairs with vcpu.requests */
	u32 nmis_may_be_masked; /* vmx/nmi_mask.h: since a VMCS was left that blocks NMIs */
	u32 kicked;       /* hv/nmi.h: set by who sends an NMI, taken by this CPU when it arrives */
	u64 nmi_reported; /* unexplained NMIs that have had their log line */
	u64 epoch;        /* mm/epoch.h: 0 outside reader sections; any CPU may read it */
	u32 epoch_depth;  /* reader sections that this CPU is in, one inside the other */
	u64 counters[COUNTERS]; /* any CPU may read them; CTR_EXITS is the recorder's position too
				 */
	u64 exits[EXIT_REASONS_MAX];    /* of L1, by basic reason */
	u64 exits_l2[EXIT_REASONS_MAX]; /* of L2 */
	struct exit_record records[EXIT_RECORDS];
};

struct boot_info;

/*
 * Allocate the struct of every CPU in info (page_alloc),
 * and give the boot CPU its GS base. -ENOMEM when the pool is empty.
 */
int cpu_init(const struct boot_info *info, page_source *source);

/* CPU by index, 0 ≤ index < cpu_count(). */
struct cpu *cpu_get(u32 index);
u32 cpu_count(void);
/* How many are online, counted from CPU 0 up to the first that did not start. */
u32 cpu_online_count(void);

#endif
