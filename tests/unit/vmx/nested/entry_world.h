/* SPDX-License-Identifier: MIT */
/*
 * VMCSs that VM entry takes, on a CPU that offers every control: a 64-bit guest, one with PAE
 * paging, one in virtual-8086 mode, one in real mode, and a 32-bit L1. What the controls leave
 * unused holds junk that would be refused.
 */
#ifndef TESTS_UNIT_VMX_NESTED_ENTRY_WORLD_H
#define TESTS_UNIT_VMX_NESTED_ENTRY_WORLD_H

#include <string.h>
#include "hv/msr_index.h"
#include "vmx/access_rights.h"
#include "vmx/event.h"
#include "vmx/nested/entry_checks.h"

#define PIN_DEFAULT   0x16u /* reserved bits that must be 1 */
#define CPU_DEFAULT   0x04006172u
#define EXIT_DEFAULT  0x00036dfbu
#define ENTRY_DEFAULT 0x000011fbu

#define WORLD_BITS    40 /* physical-address width */
#define WORLD_VMCS    0x7000u
#define NOT_CANONICAL BIT(47)
#define VALID_EPTP    (0x5000u | 3u << 3 | 6u)

struct world {
	struct entry_check_context c;
	struct entry_check_cpu cpu;
	struct vmx_caps caps;
	struct vmcs12 v;
};

static inline u32 world_controls(enum control_set set)
{
	u32 mask = 0;

	for (u32 i = 0; i < control_count; i++)
		if (control_table[i].set == set)
			mask |= 1u << control_table[i].bit;
	return mask;
}

static inline void world_cpu(struct world *w)
{
	static const u32 must[CONTROL_SETS] = {
		[CONTROL_SET_PIN] = PIN_DEFAULT,
		[CONTROL_SET_CPU] = CPU_DEFAULT,
		[CONTROL_SET_EXIT] = EXIT_DEFAULT,
		[CONTROL_SET_ENTRY] = ENTRY_DEFAULT,
	};

	for (u32 set = 0; set < CONTROL_SETS; set++) {
		w->caps.allowed0[set] = must[set];
		w->caps.allowed1[set] = must[set] | world_controls(set);
	}
	w->caps.basic = VMCS12_REVISION | PAGE_SIZE << 32 | VMX_BASIC_TRUE_CONTROLS;
	w->caps.misc = VMX_MISC_HLT | VMX_MISC_SHUTDOWN | VMX_MISC_WAIT_FOR_SIPI | 4u << 16;
	w->caps.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG;
	w->caps.cr0_fixed1 = 0xffffffff;
	w->caps.cr4_fixed0 = CR4_VMXE;
	w->caps.cr4_fixed1 = 0x1f27ffu & ~(u64)CR4_LA57;
	w->caps.cr4_fixed1 |= CR4_CET;
	w->caps.ept_vpid = EPT_CAP_MASK(WALK_4) | EPT_CAP_MASK(WRITE_BACK);
	w->caps.vmfunc = 1;
	w->caps.physical_bits = WORLD_BITS;
	w->cpu = (struct entry_check_cpu){
		.caps = &w->caps,
		.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
		.debugctl = 3,
		.perf_global_ctrl = 0xf,
		.rtit_ctl = 0xf,
		.lbr_ctl = 0xf,
	};
}

static inline u64 world_width(const struct vmcs_field_info *field)
{
	return field->width == VMCS_W16 ? 0xffff : field->width == VMCS_W32 ? 0xffffffff : ~0ULL;
}

/* No address, no canonical address, no selector of ring 0, reserved bits set. */
static inline void world_junk(struct world *w)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		w->v.fields[row] = 0x0123b567d89a7cdfULL & world_width(&vmcs_field_table[row]);
	w->c.vtpr = 0;
	w->c.link_header = 0x12345678;
	for (u32 i = 0; i < 4; i++)
		w->c.pdptes[i] = ~0ULL;
}

static inline void world_host(struct vmcs12 *v)
{
	v->HOST_CR0 = CR0_PE | CR0_NE | CR0_PG | CR0_WP;
	v->HOST_CR3 = 0x3000;
	v->HOST_CR4 = CR4_VMXE | CR4_PAE;
	v->HOST_SYSENTER_ESP = 0xffff800000000000ULL;
	v->HOST_SYSENTER_EIP = 0x7fffffffffffULL;
	v->HOST_SEL_CS = 0x08;
	v->HOST_SEL_ES = v->HOST_SEL_SS = v->HOST_SEL_DS = 0;
	v->HOST_SEL_FS = v->HOST_SEL_GS = 0x10;
	v->HOST_SEL_TR = 0x18;
	v->HOST_BASE_FS = v->HOST_BASE_GS = v->HOST_BASE_TR = 0xffffffff80000000ULL;
	v->HOST_BASE_GDTR = v->HOST_BASE_IDTR = 0x1000;
	v->HOST_RIP = 0xffffffff81000000ULL;
}

#define WORLD_SEGMENT(v, seg, sel, base, limit, ar)                    \
	((v)->GUEST_SEL_##seg = (sel), (v)->GUEST_BASE_##seg = (base), \
	 (v)->GUEST_LIMIT_##seg = (limit), (v)->GUEST_AR_##seg = (ar))

static inline void world_segments(struct vmcs12 *v)
{
	WORLD_SEGMENT(v, CS, 0x08, 0, 0xffffffff, AR_FLAT_CODE);
	WORLD_SEGMENT(v, SS, 0x10, 0, 0xffffffff, AR_FLAT_DATA);
	WORLD_SEGMENT(v, DS, 0x10, 0, 0xffffffff, AR_FLAT_DATA);
	WORLD_SEGMENT(v, ES, 0x10, 0, 0xffffffff, AR_FLAT_DATA);
	WORLD_SEGMENT(v, FS, 0x10, 0, 0xfffff, AR_FLAT_DATA & ~AR_G);
	WORLD_SEGMENT(v, GS, 0x10, 0x1000, 0xffffffff, AR_FLAT_DATA);
	WORLD_SEGMENT(v, TR, 0x18, 0x1000, 0x67, AR_BUSY_TSS);
	WORLD_SEGMENT(v, LDTR, 0x20, 0x1000, 0xffff, AR_LDT);
	v->GUEST_BASE_GDTR = v->GUEST_BASE_IDTR = 0x1000;
	v->GUEST_LIMIT_GDTR = v->GUEST_LIMIT_IDTR = 0xffff;
}

static inline void world_64bit(struct world *w)
{
	struct vmcs12 *v = &w->v;

	memset(w, 0, sizeof(*w));
	world_cpu(w);
	world_junk(w);
	world_host(v);
	world_segments(v);
	w->c.v12 = v;
	w->c.cpu = &w->cpu;
	w->c.current = l1_gpa(WORLD_VMCS);
	w->c.long_mode = true;
	v->PIN_CONTROLS = PIN_DEFAULT;
	v->CPU_CONTROLS = CPU_DEFAULT | CPU_SECONDARY;
	v->CPU_CONTROLS2 = CPU2_ENABLE_EPT;
	v->EXIT_CONTROLS = EXIT_DEFAULT | EXIT_CTL_HOST_64BIT;
	v->ENTRY_CONTROLS = ENTRY_DEFAULT | ENTRY_CTL_IA32E_MODE;
	v->CR3_TARGET_COUNT = 0;
	v->EPT_POINTER = VALID_EPTP;
	v->EXIT_MSR_STORE_COUNT = v->EXIT_MSR_LOAD_COUNT = v->ENTRY_MSR_LOAD_COUNT = 0;
	v->ENTRY_INTR_INFO = 0x7fffffff;
	v->GUEST_CR0 = CR0_PE | CR0_NE | CR0_PG;
	v->GUEST_CR3 = 0x4000;
	v->GUEST_CR4 = CR4_VMXE | CR4_PAE;
	v->GUEST_SYSENTER_ESP = v->GUEST_SYSENTER_EIP = 0xffff800000000000ULL;
	v->GUEST_AR_CS = (AR_FLAT_CODE & ~AR_DB) | AR_L;
	v->GUEST_RIP = 0xffff800000001000ULL;
	v->GUEST_RFLAGS = RFLAGS_FIXED;
	v->GUEST_ACTIVITY = ACTIVITY_ACTIVE;
	v->GUEST_INTERRUPTIBILITY = 0;
	v->GUEST_PENDING_DEBUG = 0;
	v->GUEST_DEBUGCTL = 0;
	v->LINK_POINTER = ~0ULL;
}

/* Protected mode with PAE paging; its PDPTEs stand in the VMCS. */
static inline void world_pae(struct world *w)
{
	struct vmcs12 *v = &w->v;

	world_64bit(w);
	v->ENTRY_CONTROLS &= ~(u64)ENTRY_CTL_IA32E_MODE;
	v->GUEST_AR_CS = AR_FLAT_CODE;
	v->GUEST_RIP = 0x1000;
	v->GUEST_PDPTE0 = 0x6001;
	v->GUEST_PDPTE1 = v->GUEST_PDPTE2 = v->GUEST_PDPTE3 = 0;
}

static inline void world_v86(struct world *w)
{
	struct vmcs12 *v = &w->v;

	world_pae(w);
	v->GUEST_RFLAGS |= RFLAGS_VM;
	WORLD_SEGMENT(v, CS, 0xf000, 0xf0000, 0xffff, 0xf3);
	WORLD_SEGMENT(v, SS, 0x1231, 0x12310, 0xffff, 0xf3);
	WORLD_SEGMENT(v, DS, 0x1001, 0x10010, 0xffff, 0xf3);
	WORLD_SEGMENT(v, ES, 0x1002, 0x10020, 0xffff, 0xf3);
	WORLD_SEGMENT(v, FS, 0x1003, 0x10030, 0xffff, 0xf3);
	WORLD_SEGMENT(v, GS, 0x1004, 0x10040, 0xffff, 0xf3);
}

/* Needs the unrestricted guest; the segments are what loading them in real mode leaves. */
static inline void world_real(struct world *w)
{
	struct vmcs12 *v = &w->v;

	world_pae(w);
	v->CPU_CONTROLS2 |= CPU2_UNRESTRICTED_GUEST;
	v->GUEST_CR0 = CR0_NE;
	WORLD_SEGMENT(v, CS, 0xf003, 0xf0030, 0xffff, AR_REAL_CODE);
	WORLD_SEGMENT(v, SS, 0x1233, 0x12330, 0xffff, AR_REAL_DATA);
	WORLD_SEGMENT(v, DS, 0x1001, 0x10010, 0xffff, AR_REAL_DATA);
	WORLD_SEGMENT(v, ES, 0x1002, 0x10020, 0xffff, AR_REAL_DATA);
	WORLD_SEGMENT(v, FS, 0x1003, 0x10030, 0xffff, AR_REAL_DATA);
	WORLD_SEGMENT(v, GS, 0x1004, 0x10040, 0xffff, AR_REAL_DATA);
}

/* The guest has PAE paging. */
static inline void world_32bit_l1(struct world *w)
{
	struct vmcs12 *v = &w->v;

	world_pae(w);
	w->c.long_mode = false;
	v->EXIT_CONTROLS &= ~(u64)EXIT_CTL_HOST_64BIT;
	v->HOST_CR4 = CR4_VMXE;
	v->HOST_SEL_SS = 0x10;
	v->HOST_RIP = 0x80001000;
}

#endif
