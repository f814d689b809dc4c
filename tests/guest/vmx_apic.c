/* SPDX-License-Identifier: MIT */
/* An L2's local APIC by the CPU: TPR shadow and virtualized APIC accesses (SDM "APIC Virtualization
 * and Virtual Interrupts"). */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_apic.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "vmx/nested/vmx_error.h"

#define HOLE         0xd0000000ULL
#define TPR          0x80u
#define DATA_READ    0x0000u
#define DATA_WRITE   0x1000u
#define DELIVERY     0x3000u
#define PHYSICAL     0xf000u /* a guest-physical access during an instruction */
#define FIRST_PAGE   0xfffULL
#define CALL_IS_NEXT 3u

L2_CODE(write_cr8_rax, "mov %rax, %cr8");
L2_CODE(read_cr8_rax, "mov %cr8, %rax");
L2_CODE(load_eax, "mov (%rdi), %eax");
L2_CODE(store_eax, "mov %eax, (%rdi)");
L2_CODE(add_eax, "add %eax, (%rdi)");
L2_CODE(string_out, "outsb");

/* --- the TPR shadow --- */
static struct l2 *l2_with_shadow(const char *code, u8 **page)
{
	struct l2 *l2 = l2_new(code);

	*page = tpr_shadow_on();
	return l2;
}

VMX_TEST(vmx_apic, cr8_is_the_virtual_apic_pages, 0)
{
	/* Expect: MOV to and from CR8 don't exit; bits 7:4 of the page's TPR are CR8, L1's own task
	 * priority is not touched. */
	struct l2 *l2;
	u8 *page;

	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(write_cr8_rax, &page);
	for (u64 class = 0; class < 16; class ++) {
		l2->regs[RAX] = class;
		EXPECT_EQ(l2_enter_at(l2, write_cr8_rax), EXIT_VMCALL);
		EXPECT_EQ(page[TPR], class << 4);
		page[TPR] = (u8)((15 - class) << 4);
		EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_VMCALL);
		EXPECT_EQ(l2->regs[RAX], 15 - class);
	}
	EXPECT_EQ(read_cr8(), 0);
}

VMX_TEST(vmx_apic, cr8_exits_where_both_are_on, 0)
{
	/* Expect: CR8 exiting goes before the TPR shadow; the page stays as it was. */
	struct l2 *l2;
	u8 *page;

	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(write_cr8_rax, &page);
	page[TPR] = 0x50;
	l2->regs[RAX] = 3;
	control_on(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	EXPECT_EQ(l2_enter_at(l2, write_cr8_rax), EXIT_CR_ACCESS);
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_CR_ACCESS);
	EXPECT_EQ(page[TPR], 0x50);
}

VMX_TEST(vmx_apic, tpr_below_the_threshold_exits, 0)
{
	/* Expect: a MOV to CR8 that takes it below the threshold completes, then exit 43; at or
	 * above it nothing. */
	struct l2 *l2;
	u8 *page;

	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(write_cr8_rax, &page);
	for (u64 class = 0; class < 16; class ++) {
		page[TPR] = 0xf0;
		vmx_write(VMCS_TPR_THRESHOLD, 7);
		l2->regs[RAX] = class;
		EXPECT_EQ(l2_enter_at(l2, write_cr8_rax),
			  class < 7 ? EXIT_TPR_BELOW_THRESHOLD : EXIT_VMCALL);
		EXPECT_EQ(page[TPR], class << 4);
		EXPECT_EQ(vmx_read(VMCS_GUEST_RIP), (u64)write_cr8_rax_end);
	}
}

VMX_TEST(vmx_apic, entry_compares_the_threshold, 0)
{
	/* Expect: error 7 where the threshold is above the page's TPR, at each entry anew. */
	struct l2 *l2;
	u8 *page;

	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(read_cr8_rax, &page);
	vmx_write(VMCS_TPR_THRESHOLD, 5);
	for (u32 class = 0; class < 16; class ++) {
		page[TPR] = (u8)(class << 4);
		EXPECT_EQ(l2_enter_at(l2, read_cr8_rax),
			  class < 5 ? L2_VMFAIL | VMX_ERROR_ENTRY_CONTROLS : EXIT_VMCALL);
	}
	page[TPR] = 0;
	vmx_write(VMCS_TPR_THRESHOLD, 0);
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_VMCALL);
}

VMX_TEST(vmx_apic, shadow_goes_with_its_control, 0)
{
	/* Expect: without the control CR8 is L1's own again; with it, and another page, that one
	 * counts. */
	struct l2 *l2;
	u8 *page, *other = (u8 *)vmx_page();

	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(write_cr8_rax, &page);
	l2->regs[RAX] = 9;
	EXPECT_EQ(l2_enter_at(l2, write_cr8_rax), EXIT_VMCALL);
	vmx_write(VMCS_VIRTUAL_APIC_ADDR, (u64)other);
	l2->regs[RAX] = 4;
	EXPECT_EQ(l2_enter_at(l2, write_cr8_rax), EXIT_VMCALL);
	EXPECT_EQ(page[TPR], 0x90);
	EXPECT_EQ(other[TPR], 0x40);
	control_off(CONTROL_SET_CPU, CPU_TPR_SHADOW);
	if (control_is_optional(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING)) {
		l2->regs[RAX] = 6;
		EXPECT_EQ(l2_enter_at(l2, write_cr8_rax), EXIT_VMCALL);
		EXPECT_EQ(other[TPR], 0x40);
		EXPECT_EQ(read_cr8(), 6);
		write_cr8(0);
	}
	control_on(CONTROL_SET_CPU, CPU_TPR_SHADOW);
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 4);
}

VMX_TEST(vmx_apic, each_l2_has_its_own_page, 0)
{
	/* Expect: five L2s, in turn: each CR8 is what that L2 left. */
	struct l2 *l2s[5];

	NEEDS_TPR_SHADOW();
	for (u32 i = 0; i < ARRAY_SIZE(l2s); i++) {
		l2s[i] = l2_new(write_cr8_rax);
		(void)tpr_shadow_on();
		l2s[i]->regs[RAX] = i + 3;
		EXPECT_EQ(l2_enter_at(l2s[i], write_cr8_rax), EXIT_VMCALL);
	}
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(l2s); i++) {
			l2_load(l2s[i]);
			EXPECT_EQ(l2_enter_at(l2s[i], read_cr8_rax), EXIT_VMCALL);
			EXPECT_EQ(l2s[i]->regs[RAX], i + 3);
		}
	}
}

/* --- the APIC-access page --- */
/* An access of L2 to this address exits, and tells this. */
static void expect_access(struct l2 *l2, const char *code, u64 address, u32 type)
{
	EXPECT_EQ(l2_run(l2, code, address), EXIT_APIC_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, (address & FIRST_PAGE) | type);
	EXPECT_FIELD(GUEST_RIP, (u64)code);
}

VMX_TEST(vmx_apic, accesses_exit_and_tell_offset_and_kind, 0)
{
	/* Expect: exit 44 for loads and stores at any offset; memory stays as it was. A fetch would
	 * exit as well, but Bochs 2.7 panics there. */
	static const u32 offsets[] = { 0, 0x20, TPR, 0x300, 0xff8 };
	struct l2 *l2;
	u64 page;

	NEEDS_APIC_ACCESSES();
	l2 = l2_new(load_eax);
	page = apic_accesses_on();
	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		expect_access(l2, load_eax, page + offsets[i], DATA_READ);
		expect_access(l2, store_eax, page + offsets[i], DATA_WRITE);
		EXPECT_EQ(*(volatile u32 *)(page + offsets[i]), 0);
	}
}

VMX_TEST(vmx_apic, neighbours_of_the_page_do_not_exit, 0)
{
	/* Expect: plain memory before and behind it. */
	struct l2 *l2;
	u64 page;

	NEEDS_APIC_ACCESSES();
	l2 = l2_new(store_eax);
	page = apic_accesses_on();
	l2->regs[RAX] = 0x77;
	*(volatile u32 *)(page - 4) = 0;
	EXPECT_EQ(l2_run(l2, store_eax, page - 4), EXIT_VMCALL);
	EXPECT_EQ(*(volatile u32 *)(page - 4), 0x77);
}

VMX_TEST(vmx_apic, tpr_is_virtualized_with_the_shadow, 0)
{
	/* Expect: with both controls offset 80h of the APIC-access page is that of the virtual-APIC
	 * page, and no exit; what takes it below the threshold exits afterwards. */
	struct l2 *l2;
	u8 *apic;
	u64 page;

	NEEDS_APIC_ACCESSES();
	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(store_eax, &apic);
	page = apic_accesses_on();
	l2->regs[RAX] = 0x60;
	EXPECT_EQ(l2_run(l2, store_eax, page + TPR), EXIT_VMCALL);
	EXPECT_EQ(apic[TPR], 0x60);
	apic[TPR] = 0x35;
	EXPECT_EQ(l2_enter_at(l2, load_eax), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0x35);
	vmx_write(VMCS_TPR_THRESHOLD, 3);
	l2->regs[RAX] = 0x20;
	EXPECT_EQ(l2_enter_at(l2, store_eax), EXIT_TPR_BELOW_THRESHOLD);
	EXPECT_EQ(apic[TPR], 0x20);
	EXPECT_FIELD(GUEST_RIP, (u64)store_eax_end);
	EXPECT_EQ(*(volatile u32 *)(page + TPR), 0);
	vmx_write(VMCS_TPR_THRESHOLD, 0);
	expect_access(l2, load_eax, page + 0x300, DATA_READ);
}

VMX_TEST(vmx_apic, entry_below_the_threshold_exits_at_once, 0)
{
	/* Expect: with APIC accesses virtualized the entry passes, and exit 43 comes before the
	 * first instruction. */
	struct l2 *l2;
	u8 *apic;

	NEEDS_APIC_ACCESSES();
	NEEDS_TPR_SHADOW();
	l2 = l2_with_shadow(read_cr8_rax, &apic);
	(void)apic_accesses_on();
	apic[TPR] = 0x20;
	vmx_write(VMCS_TPR_THRESHOLD, 3);
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_TPR_BELOW_THRESHOLD);
	EXPECT_FIELD(GUEST_RIP, (u64)read_cr8_rax);
	apic[TPR] = 0x30;
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_VMCALL);
}

VMX_TEST(vmx_apic, page_is_found_through_ept, 0)
{
	/* Expect: any address of L2's that its EPT leads to the page is the page's. */
	struct l2 *l2;
	u64 eptp, page;

	NEEDS_APIC_ACCESSES();
	NEEDS_EPT(0);
	l2 = l2_under_ept(load_eax, &eptp);
	page = apic_accesses_on();
	ept_map(eptp, page, EPT_LEVEL_4K, page | EPT_MEMORY);
	ept_map(eptp, EPT_ALIAS, EPT_LEVEL_4K, page | EPT_MEMORY);
	expect_access(l2, load_eax, EPT_ALIAS + 0x40, DATA_READ);
	expect_access(l2, store_eax, page + 0x50, DATA_WRITE);
	*ept_entry(eptp, EPT_ALIAS, EPT_LEVEL_4K) = 0;
	EXPECT(ept_invalidate(INVEPT_ALL, 0));
	EXPECT_EQ(l2_run(l2, load_eax, EPT_ALIAS), EXIT_EPT_VIOLATION);
}

VMX_TEST(vmx_apic, page_follows_its_field, 0)
{
	/* Expect: another address in the field: that page exits, the first one is memory. */
	struct l2 *l2;
	u64 first, second;

	NEEDS_APIC_ACCESSES();
	l2 = l2_new(load_eax);
	first = apic_accesses_on();
	expect_access(l2, load_eax, first, DATA_READ);
	second = apic_accesses_on();
	expect_access(l2, load_eax, second, DATA_READ);
	EXPECT_EQ(l2_run(l2, load_eax, first), EXIT_VMCALL);
	control_off(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES);
	EXPECT_EQ(l2_run(l2, load_eax, second), EXIT_VMCALL);
	control_on(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES);
	expect_access(l2, load_eax, second, DATA_READ);
}

VMX_TEST(vmx_apic, page_of_one_l2_is_memory_of_another, 0)
{
	/* Expect: of two L2s with the same EPT, only the one with the control exits. */
	struct l2 *with, *without;
	u64 eptp, page;

	NEEDS_APIC_ACCESSES();
	NEEDS_EPT(0);
	eptp = ept_new();
	with = l2_new(load_eax);
	ept_use(eptp);
	page = apic_accesses_on();
	without = l2_new(load_eax);
	ept_use(eptp);
	for (u32 i = 0; i < 3; i++) {
		l2_load(without);
		EXPECT_EQ(l2_run(without, load_eax, page), EXIT_VMCALL);
		l2_load(with);
		expect_access(with, load_eax, page, DATA_READ);
	}
}

VMX_TEST(vmx_apic, string_output_reads_it, 0)
{
	/* Expect: the operand of OUTS lies on the page: exit 44, whoever carries the OUTS out. */
	struct l2 *l2;
	u64 page;

	NEEDS_APIC_ACCESSES();
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_UNCOND_IO);
	l2 = l2_new(string_out);
	control_off(CONTROL_SET_CPU, CPU_UNCOND_IO);
	page = apic_accesses_on();
	l2->regs[RDX] = 0x80;
	l2->regs[RSI] = page + 0x44;
	EXPECT_EQ(l2_enter_at(l2, string_out), EXIT_APIC_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0x44 | DATA_READ);
}

/* --- where L1 has no memory --- */
VMX_TEST(vmx_apic, shadow_of_a_hole_harms_nobody, 0)
{
	/* Expect: the entry fails, or it enters; where CR8 exits anyway it enters. */
	struct l2 *l2;
	u32 reason;

	NEEDS_TPR_SHADOW();
	l2 = l2_new(read_cr8_rax);
	(void)tpr_shadow_on();
	vmx_write(VMCS_VIRTUAL_APIC_ADDR, HOLE);
	reason = l2_enter_at(l2, read_cr8_rax);
	EXPECT(reason == EXIT_VMCALL || reason == (L2_VMFAIL | VMX_ERROR_ENTRY_CONTROLS));
	control_on(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_CR_ACCESS);
	control_off(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	(void)tpr_shadow_on();
	EXPECT_EQ(l2_enter_at(l2, read_cr8_rax), EXIT_VMCALL);
}
