/* SPDX-License-Identifier: MIT */
/*
 * A guest that executes one IRET, on L0's own page tables; one for each CPU, made when first
 * needed.
 */
#include "vmx/nmi_mask.h"
#include "hv/boot_info.h"
#include "hv/errno.h"
#include "hv/idt.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/segments.h"
#include "hv/x86.h"
#include "mm/page.h"
#include "vmx/access_rights.h"
#include "vmx/caps.h"
#include "vmx/cpu_vmx.h"
#include "vmx/event.h"
#include "vmx/exit_reasons.h"
#include "vmx/ops.h"
#include "vmx/vmcs01.h"

#define TABLE_LIMIT 0xffff
#define IRET_FRAME  5 /* RIP, CS, RFLAGS, RSP, SS */

/* vmx/nmi_mask.asm; nmi_mask_enter() returns true after an exit. */
#pragma GCC visibility push(hidden)
bool nmi_mask_enter(bool launched);
extern const u8 nmi_mask_landing[], nmi_mask_iret[], nmi_mask_after_iret[];
#pragma GCC visibility pop

static struct scrub {
	void *vmcs;
	u64 *stack;
	bool launched;
} scrubs[BOOT_CPUS_MAX];

static struct scrub *scrub_here(void)
{
	return &scrubs[this_cpu()->index];
}

int nmi_mask_create(void)
{
	struct scrub *scrub = scrub_here();

	scrub->vmcs = vmcs_alloc();
	scrub->stack = page_alloc(0);
	return scrub->vmcs && scrub->stack ? 0 : -ENOMEM;
}

/* Whether the guest of the current VMCS blocks NMIs, or will when its entry delivers one. */
static bool is_blocked(void)
{
	u32 event = (u32)vmcs_read(VMCS_ENTRY_INTR_INFO);

	return (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKED_BY_NMI) ||
	       ((event & INTR_INFO_VALID) && INTR_INFO_TYPE(event) == INTR_NMI);
}

static void write_controls(void)
{
	const struct vmx_caps *caps = vmx_caps();

	vmcs_write(VMCS_PIN_CONTROLS,
		   PIN_NMI_EXITING | PIN_VIRTUAL_NMI | caps->allowed0[CONTROL_SET_PIN]);
	vmcs_write(VMCS_CPU_CONTROLS, caps->allowed0[CONTROL_SET_CPU]);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_controls_for(CONTROL_SET_EXIT));
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_controls_for(CONTROL_SET_ENTRY) | ENTRY_CTL_IA32E_MODE);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
}

/* As L0 itself runs. */
static void write_guest_state(void)
{
	const struct {
		enum vmcs_field field;
		u64 value;
	} rows[] = {
		{ VMCS_GUEST_CR0, read_cr0() },
		{ VMCS_GUEST_CR3, read_cr3() },
		{ VMCS_GUEST_CR4, read_cr4() },
		{ VMCS_GUEST_EFER, rdmsr(MSR_IA32_EFER) },
		{ VMCS_GUEST_PAT, rdmsr(MSR_IA32_PAT) },
		{ VMCS_GUEST_DR7, DR7_AT_RESET },
		{ VMCS_GUEST_RFLAGS, RFLAGS_FIXED },
		{ VMCS_GUEST_SEL_CS, SELECTOR_CODE },
		{ VMCS_GUEST_AR_CS, AR_G | AR_L | AR_P | AR_S | 0xb },
		{ VMCS_GUEST_LIMIT_CS, ~0u },
		{ VMCS_GUEST_SEL_SS, SELECTOR_DATA },
		{ VMCS_GUEST_AR_SS, AR_FLAT_DATA },
		{ VMCS_GUEST_LIMIT_SS, ~0u },
		{ VMCS_GUEST_AR_DS, AR_UNUSABLE },
		{ VMCS_GUEST_AR_ES, AR_UNUSABLE },
		{ VMCS_GUEST_AR_FS, AR_UNUSABLE },
		{ VMCS_GUEST_AR_GS, AR_UNUSABLE },
		{ VMCS_GUEST_AR_LDTR, AR_UNUSABLE },
		{ VMCS_GUEST_SEL_TR, SELECTOR_TSS },
		{ VMCS_GUEST_AR_TR, AR_BUSY_TSS },
		{ VMCS_GUEST_LIMIT_TR, 0x67 },
		{ VMCS_GUEST_BASE_TR, segments_tss_base(this_cpu()->index) },
		{ VMCS_GUEST_BASE_GDTR, segments_gdt_base(this_cpu()->index) },
		{ VMCS_GUEST_LIMIT_GDTR, TABLE_LIMIT },
		{ VMCS_GUEST_BASE_IDTR, idt_base() },
		{ VMCS_GUEST_LIMIT_IDTR, TABLE_LIMIT },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		vmcs_write(rows[i].field, rows[i].value);
}

static void build(struct scrub *scrub)
{
	const u64 frame[IRET_FRAME] = { (uintptr_t)nmi_mask_after_iret, SELECTOR_CODE, RFLAGS_FIXED,
					(uintptr_t)scrub->stack + PAGE_SIZE, SELECTOR_DATA };

	for (u32 i = 0; i < IRET_FRAME; i++)
		scrub->stack[i] = frame[i];
	vmcs_load_first(scrub->vmcs);
	write_controls();
	vmcs01_write_host_state();
	vmcs_write(VMCS_HOST_RIP, (uintptr_t)nmi_mask_landing);
	write_guest_state();
}

/* An NMI that exits is taken as in vmx/exit_exception.c; what it wants is seen at the gate. */
static void run(struct scrub *scrub)
{
	u32 reason;

	do {
		vmcs_write(VMCS_GUEST_RIP, (uintptr_t)nmi_mask_iret);
		vmcs_write(VMCS_GUEST_RSP, (uintptr_t)scrub->stack);
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
		if (!nmi_mask_enter(scrub->launched))
			panic("the guest of an IRET was refused: VM-instruction error %llu",
			      (unsigned long long)vmcs_read(VMCS_INSN_ERROR));
		scrub->launched = true;
		reason = (u32)vmcs_read(VMCS_EXIT_REASON);
		if (reason == EXIT_EXCEPTION_NMI)
			__asm__ volatile("int $2" ::: "memory");
	} while (reason == EXIT_EXCEPTION_NMI);
	if (reason != EXIT_VMCALL)
		panic("the guest of an IRET ended with exit reason 0x%x", reason);
}

void nmi_mask_note(void)
{
	nmi_mask_note_blocked(is_blocked());
}

void nmi_mask_take_off(void)
{
	struct scrub *scrub = scrub_here();
	void *vmcs = this_cpu()->current_vmcs;

	if (is_blocked())
		return;
	if (scrub->launched)
		vmcs_load(scrub->vmcs);
	else
		build(scrub);
	run(scrub);
	counter_inc(CTR_NMI_SCRUBS);
	nmi_mask_note_blocked(false);
	vmcs_load(vmcs);
}
