/* SPDX-License-Identifier: MIT */
/*
 * The checks that VM entry makes of vmcs12 (SDM "Checks on VMX Controls and Host-State Area" and
 * "Checks on the Guest State Area"), as named rules in the manual's order. The rules stand in
 * the .def files that check_all.def names, in sections that can be run alone: after a VMWRITE only
 * the sections that read the field need to run again. Pure.
 *
 * What vmcs12 holds is taken as VMREAD would give it: no bits above a field's width.
 */
#ifndef VMX_NESTED_ENTRY_CHECKS_H
#define VMX_NESTED_ENTRY_CHECKS_H

#include "mm/addr.h"
#include "vmx/caps.h"
#include "vmx/nested/vmcs12.h"

/* Which part of the state a section belongs to. */
enum entry_check_kind {
	ENTRY_CHECK_CONTROLS, /* a failure is VMfailValid(VMX_ERROR_ENTRY_CONTROLS) */
	ENTRY_CHECK_HOST,     /* VMfailValid(VMX_ERROR_ENTRY_HOST_STATE) */
	ENTRY_CHECK_GUEST,    /* exit 33 with the qualification below */
};

/* Exit qualifications of exit 33 (SDM "VM-Entry Failures During or After Loading Guest State"). */
#define ENTRY_FAILURE_OTHER        0u
#define ENTRY_FAILURE_PDPTE        2u
#define ENTRY_FAILURE_NMI          3u
#define ENTRY_FAILURE_LINK_POINTER 4u

enum entry_check_section {
#define SECTION(id, kind, qualification, title) ENTRY_CHECK_##id,
#define RULE(...)
#define SECTION_END
#include "vmx/nested/check_all.def"
#undef SECTION
#undef RULE
#undef SECTION_END
	ENTRY_CHECK_SECTIONS
};

/* Masks of sections; the sections of a kind follow each other. */
#define ENTRY_CHECK_MASK(id)  (1u << ENTRY_CHECK_##id)
#define ENTRY_CHECKS_CONTROLS (ENTRY_CHECK_MASK(host_registers) - 1)
#define ENTRY_CHECKS_HOST     (ENTRY_CHECK_MASK(guest_registers) - ENTRY_CHECK_MASK(host_registers))
#define ENTRY_CHECKS_ALL      (ENTRY_CHECK_MASK(SECTIONS) - 1)
#define ENTRY_CHECKS_GUEST    (ENTRY_CHECK_MASK(SECTIONS) - ENTRY_CHECK_MASK(guest_registers))

_Static_assert(ENTRY_CHECK_SECTIONS < 32, "a mask has a bit for each section");

/* L1's CPU: constant. The masks hold the bits that are not reserved in that MSR. */
struct entry_check_cpu {
	const struct vmx_caps *caps; /* as L1 reads them */
	u64 efer;
	u64 debugctl;
	u64 perf_global_ctrl;
	u64 rtit_ctl;
	u64 lbr_ctl;
};

struct entry_check_context {
	const struct vmcs12 *v12;
	const struct entry_check_cpu *cpu;
	l1_gpa_t current; /* where L1 thinks that v12 stands: its current-VMCS pointer */
	bool long_mode;   /* L1's EFER.LMA at VMLAUNCH or VMRESUME */
	/* What stands in L1's memory; only looked at where entry_checks_need() asks for it. */
	u8 vtpr;         /* byte 80h of the virtual-APIC page */
	u32 link_header; /* the first four bytes at the link pointer; ~0 where no memory is */
	u64 pdptes[4];   /* at guest CR3; ~0 where no memory is */
};

struct entry_check_failure {
	const char *rule; /* NULL: all rules hold */
	enum entry_check_kind kind;
	u32 qualification;
};

/*
 * Run the sections of the mask and tell the first rule that is broken. For guest state L1's memory
 * is read only when controls and host state have passed: two calls.
 */
struct entry_check_failure entry_checks_run(const struct entry_check_context *c, u32 sections);

/*
 * For a caller that keeps what has passed: the sections that may no longer pass when this field
 * goes from one value to the other; and those that look at L1's memory, which changes without a
 * VMWRITE, so they run at each entry. All run again when cpu, current or long_mode are others.
 */
u32 entry_checks_after_special(enum vmcs12_row row, u64 before, u64 after);
/* The sections that read the field at all. */
extern const u32 entry_check_readers[VMCS12_ROWS] __attribute__((visibility("hidden")));
/* Fields that L1 writes often and of which most changes matter to few sections. */
static inline bool entry_check_is_special(enum vmcs12_row row)
{
	return row == VMCS12_ROW_CPU_CONTROLS || row == VMCS12_ROW_GUEST_RIP ||
	       row == VMCS12_ROW_GUEST_RFLAGS;
}

static inline u32 entry_checks_after_write(enum vmcs12_row row, u64 before, u64 after)
{
	if (entry_check_is_special(row) || before == after)
		return entry_checks_after_special(row, before, after);
	return entry_check_readers[row];
}
u32 entry_checks_of_memory(u32 need);

/* What the rules must know of L1's memory, VTPR for the controls and the rest for guest state. An
 * address that is itself refused is not asked for. */
enum entry_check_need { NEED_VTPR = 1, NEED_LINK_HEADER = 2, NEED_PDPTES = 4 };
u32 entry_checks_need(const struct entry_check_context *c);

/* Whether VM entry would take this EPTP. INVEPT and EPTP switching ask the same. */
bool entry_check_eptp(const struct vmx_caps *caps, u64 eptp);

const char *entry_check_section_title(enum entry_check_section section);

#endif
