/* SPDX-License-Identifier: MIT */
/* The guest state of each mode, as the SDM's "Checks on Guest Segment Registers" wants it. */
#include "tests/guest/lib/vmx_modes.h"
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "tests/guest/lib/cpu.h"
#include "vmx/access_rights.h"

#define ENTRIES_32 1024u
#define REAL_LIMIT 0xffffu

static const struct {
	enum vmcs_field selector, base, limit, rights;
} segments[] = {
	{ VMCS_GUEST_SEL_CS, VMCS_GUEST_BASE_CS, VMCS_GUEST_LIMIT_CS, VMCS_GUEST_AR_CS },
	{ VMCS_GUEST_SEL_SS, VMCS_GUEST_BASE_SS, VMCS_GUEST_LIMIT_SS, VMCS_GUEST_AR_SS },
	{ VMCS_GUEST_SEL_DS, VMCS_GUEST_BASE_DS, VMCS_GUEST_LIMIT_DS, VMCS_GUEST_AR_DS },
	{ VMCS_GUEST_SEL_ES, VMCS_GUEST_BASE_ES, VMCS_GUEST_LIMIT_ES, VMCS_GUEST_AR_ES },
};

void l2_to_compatibility(void)
{
	vmx_write(VMCS_GUEST_SEL_CS, CODE32);
	vmx_write(VMCS_GUEST_AR_CS, AR_FLAT_CODE);
}

static void leave_long_mode(void)
{
	l2_to_compatibility();
	control_off(CONTROL_SET_ENTRY, ENTRY_CTL_IA32E_MODE);
}

void l2_to_protected(void)
{
	u32 *directory = (u32 *)vmx_page();

	leave_long_mode();
	for (u32 i = 0; i < ENTRIES_32; i++)
		directory[i] = i << 22 | (u32)(PTE_LARGE | PTE_WRITE | PTE_PRESENT);
	vmx_write(VMCS_GUEST_CR3, (u64)directory);
	vmx_change(VMCS_GUEST_CR4, CR4_PSE, CR4_PAE);
}

u64 *l2_to_pae(void)
{
	u64 *pointers = (u64 *)vmx_page();

	leave_long_mode();
	for (u64 i = 0; i < 4; i++) {
		u64 *directory = (u64 *)vmx_page();

		pointers[i] = (u64)directory | PTE_PRESENT;
		for (u64 j = 0; j < 512; j++)
			directory[j] =
				(i * GIB + j * 2 * MIB) | PTE_LARGE | PTE_WRITE | PTE_PRESENT;
		if (control_is_offered(CONTROL_SET_CPU2, CPU2_ENABLE_EPT))
			vmx_write((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pointers[i]);
	}
	vmx_write(VMCS_GUEST_CR3, (u64)pointers);
	return pointers;
}

void l2_to_flat(void)
{
	leave_long_mode();
	control_on(CONTROL_SET_CPU2, CPU2_UNRESTRICTED_GUEST);
	vmx_change(VMCS_GUEST_CR0, 0, CR0_PG);
	vmx_change(VMCS_GUEST_CR4, 0, CR4_PAE);
}

void l2_to_real(const void *code)
{
	u64 stack = ALIGN_DOWN(vmx_read(VMCS_GUEST_RSP), PAGE_SIZE);

	l2_to_flat();
	vmx_change(VMCS_GUEST_CR0, 0, CR0_PE);
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		vmx_write(segments[i].selector, 0);
		vmx_write(segments[i].base, 0);
		vmx_write(segments[i].limit, REAL_LIMIT);
		vmx_write(segments[i].rights, i == 0 ? AR_REAL_CODE : AR_REAL_DATA);
	}
	vmx_write(VMCS_GUEST_BASE_CS, (u64)code);
	vmx_write(VMCS_GUEST_RIP, 0);
	vmx_write(VMCS_GUEST_BASE_SS, stack);
	vmx_write(VMCS_GUEST_RSP, PAGE_SIZE - 16);
}
