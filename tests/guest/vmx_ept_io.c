/* SPDX-License-Identifier: MIT */
/* Accesses of an L2 that a hypervisor below L1 may have to carry out in the CPU's stead: string I/O
 * into pages that L1's EPT forbids, devices seen through EPT, memory of L1 that is not there. */
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "hv/string.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_ept.h"
#include "vmx/qualification.h"

#define GPA       0xd0000000ULL /* nothing of the machine is here */
#define L2_VA     (2ULL << 39)  /* L1 has nothing here */
#define HOLE      0xd8000000ULL
#define LINEAR    (EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND)
#define BASIC     (BITS(5, 0) | LINEAR)
#define ALLOWS(r) ((u64)(r) << EPT_VIOLATION_RIGHTS_SHIFT)
#define FILLING   0x6bu

L2_CODE(ins_insn, "insb");
L2_CODE(rep_ins, "rep insb");
L2_CODE(outs_insn, "outsb");
L2_CODE(rep_outs, "rep outsb");
L2_CODE(rdmsr_insn, "rdmsr");
L2_CODE(read32, "mov (%rdi), %eax");
L2_CODE(write32, "mov %eax, (%rdi)");

static u64 eptp, page;

/* Ports are L2's own; GPA is mapped to a page with these rights, the next page is not there. */
static struct l2 *l2_with_page(const char *code, u64 rights)
{
	struct l2 *l2 = l2_new(code);

	eptp = ept_new();
	page = vmx_page();
	ept_use(eptp);
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | EPT_WB | rights);
	ept_map(eptp, GPA + PAGE_SIZE, EPT_LEVEL_4K, 0);
	l2->regs[RDX] = COM1_SCRATCH;
	l2->regs[RSI] = l2->regs[RDI] = GPA;
	l2->regs[RCX] = 10;
	out8(COM1_SCRATCH, FILLING);
	return l2;
}

static void expect_violation(const char *code, u64 qualification, u64 gpa)
{
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, qualification | LINEAR);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, gpa);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, gpa);
	EXPECT_FIELD(GUEST_RIP, (u64)code);
}

VMX_TEST(vmx_ept, ins_into_a_read_only_page_violates, NEED_COM1)
{
	/* Expect: a write violation at INS; when L1 allows it, the byte is there. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_page(ins_insn, EPT_READ);
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	expect_violation(ins_insn, EPT_VIOLATION_WRITE | ALLOWS(EPT_READ), GPA);
	EXPECT_EQ(l2->regs[RDI], GPA);
	EXPECT_EQ(*(u8 *)page, 0);
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | EPT_MEMORY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(*(u8 *)page, FILLING);
	EXPECT_EQ(l2->regs[RDI], GPA + 1);
}

VMX_TEST(vmx_ept, outs_from_a_missing_page_violates, NEED_COM1)
{
	/* Expect: a read violation at OUTS; when the page is there, its byte goes to the port. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_page(outs_insn, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	expect_violation(outs_insn, EPT_VIOLATION_READ, GPA);
	EXPECT_EQ(in8(COM1_SCRATCH), FILLING);
	*(u8 *)page = 0x4d;
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | EPT_MEMORY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(in8(COM1_SCRATCH), 0x4d);
	EXPECT_EQ(l2->regs[RSI], GPA + 1);
}

VMX_TEST(vmx_ept, rep_ins_violates_where_the_next_page_begins, NEED_COM1)
{
	/* Expect: what fits is done, the registers tell how far, the rest follows when L1 maps the
	 * second page. */
	struct l2 *l2;
	u64 second;

	NEEDS_EPT(0);
	l2 = l2_with_page(rep_ins, EPT_RWX);
	l2->regs[RDI] = GPA + PAGE_SIZE - 4;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	expect_violation(rep_ins, EPT_VIOLATION_WRITE, GPA + PAGE_SIZE);
	EXPECT_EQ(l2->regs[RDI], GPA + PAGE_SIZE);
	EXPECT_EQ(l2->regs[RCX], 6);
	EXPECT_EQ(*(u32 *)(page + PAGE_SIZE - 4), FILLING * 0x01010101u);
	second = vmx_page();
	ept_map(eptp, GPA + PAGE_SIZE, EPT_LEVEL_4K, second | EPT_MEMORY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RCX], 0);
	EXPECT_EQ(l2->regs[RDI], GPA + PAGE_SIZE + 6);
	EXPECT_EQ(*(u64 *)second, FILLING * 0x010101010101ULL);
}

VMX_TEST(vmx_ept, rep_outs_violates_where_the_next_page_begins, NEED_COM1)
{
	/* Expect: the last byte of the first page is out, the rest waits for L1. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_page(rep_outs, EPT_READ);
	*(u8 *)(page + PAGE_SIZE - 1) = 0x31;
	l2->regs[RSI] = GPA + PAGE_SIZE - 4;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	expect_violation(rep_outs, EPT_VIOLATION_READ, GPA + PAGE_SIZE);
	EXPECT_EQ(in8(COM1_SCRATCH), 0x31);
	EXPECT_EQ(l2->regs[RSI], GPA + PAGE_SIZE);
	EXPECT_EQ(l2->regs[RCX], 6);
}

VMX_TEST(vmx_ept, string_io_faults_by_l2s_own_tables, NEED_COM1)
{
	/* Expect: where L2's paging forbids the operand, #PF with its address, not a violation. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_page(ins_insn, EPT_RWX);
	l2->regs[RDI] = PAGING_TEST_VA + 0x1234;
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_PF) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, PF_WRITE);
	EXPECT_FIELD(EXIT_QUALIFICATION, PAGING_TEST_VA + 0x1234);
	EXPECT_FIELD(GUEST_RIP, (u64)ins_insn);
}

VMX_TEST(vmx_ept, string_io_goes_where_ept_points, NEED_COM1)
{
	/* Expect: INS and OUTS of an address that EPT maps elsewhere use that page, and the page
	 * that L1 has at the address stays as it is. */
	struct l2 *l2;
	u64 here, there;

	NEEDS_EPT(0);
	l2 = l2_with_page(ins_insn, EPT_RWX);
	here = vmx_page();
	there = vmx_page();
	ept_map(eptp, here, EPT_LEVEL_4K, there | EPT_MEMORY);
	l2->regs[RDI] = here + 5;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(((u8 *)there)[5], FILLING);
	EXPECT_EQ(((u8 *)here)[5], 0);
	((u8 *)there)[9] = 0x21;
	((u8 *)here)[9] = 0x12;
	l2->regs[RSI] = here + 9;
	EXPECT_EQ(l2_enter_at(l2, outs_insn), EXIT_VMCALL);
	EXPECT_EQ(in8(COM1_SCRATCH), 0x21);
}

VMX_TEST(vmx_ept, string_io_goes_where_l2s_tables_point, NEED_COM1)
{
	/* Expect: without EPT, INS through L2's own CR3, which maps the address unlike L1's. */
	u64 *root = (u64 *)vmx_page(), *pdpt = (u64 *)vmx_page(), *directory = (u64 *)vmx_page();
	u64 *table = (u64 *)vmx_page(), target = vmx_page(), table_bits = PTE_PRESENT | PTE_WRITE;
	struct l2 *l2 = l2_new(ins_insn);

	memcpy(root, (const void *)(read_cr3() & PTE_ADDRESS), PAGE_SIZE);
	root[L2_VA >> 39] = (u64)pdpt | table_bits;
	pdpt[0] = (u64)directory | table_bits;
	directory[0] = (u64)table | table_bits;
	table[0] = target | table_bits;
	vmx_write(VMCS_GUEST_CR3, (u64)root);
	out8(COM1_SCRATCH, FILLING);
	l2->regs[RDX] = COM1_SCRATCH;
	l2->regs[RDI] = L2_VA + 7;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(((u8 *)target)[7], FILLING);
	EXPECT_EQ(l2->regs[RDI], L2_VA + 8);
}

/* --- devices --- */
static u32 read_through(u64 gpa, u64 pa, u32 *reason)
{
	struct l2 *l2 = l2_under_ept(read32, &eptp);

	ept_map(eptp, ALIGN_DOWN(gpa, PAGE_SIZE), EPT_LEVEL_4K, pa | EPT_RWX);
	l2->regs[RDI] = gpa;
	*reason = l2_enter(l2);
	return (u32)l2->regs[RAX];
}

VMX_TEST(vmx_ept, l2_reads_the_apic_that_ept_maps, NEED_XAPIC)
{
	/* Expect: the version register at the APIC's address and at another one, as L1 reads it. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE) & PTE_ADDRESS;
	u32 reason, version = apic_read(APIC_VERSION);

	NEEDS_EPT(0);
	EXPECT_EQ(read_through(base + APIC_VERSION, base, &reason), version);
	EXPECT_EQ(reason, EXIT_VMCALL);
	EXPECT_EQ(read_through(GPA + APIC_VERSION, base, &reason), version);
	EXPECT_EQ(reason, EXIT_VMCALL);
}

VMX_TEST(vmx_ept, l2_writes_the_apic_that_ept_maps, NEED_XAPIC)
{
	/* Expect: L2's write to the divide register is L1's setting. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE) & PTE_ADDRESS;
	struct l2 *l2;

	NEEDS_EPT(0);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	l2 = l2_under_ept(write32, &eptp);
	ept_map(eptp, GPA, EPT_LEVEL_4K, base | EPT_RWX);
	l2->regs[RDI] = GPA + APIC_TIMER_DIVIDE;
	l2->regs[RAX] = 3;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(apic_read(APIC_TIMER_DIVIDE), 3);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
}

VMX_TEST(vmx_ept, memory_at_the_apics_address_is_memory, NEED_XAPIC)
{
	/* Expect: where EPT maps RAM there, L2 reads the RAM. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE) & PTE_ADDRESS, ram = vmx_page();
	u32 reason;

	NEEDS_EPT(0);
	*(u32 *)(ram + APIC_VERSION) = 0x12345;
	EXPECT_EQ(read_through(base + APIC_VERSION, ram, &reason), 0x12345);
	EXPECT_EQ(reason, EXIT_VMCALL);
}

VMX_TEST(vmx_ept, an_apic_that_ept_hides_violates, NEED_XAPIC)
{
	/* Expect: a violation, and no access to the register. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE) & PTE_ADDRESS;
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_under_ept(read32, &eptp);
	ept_map(eptp, base, EPT_LEVEL_4K, 0);
	l2->regs[RDI] = base + APIC_VERSION;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	expect_violation(read32, EPT_VIOLATION_READ, base + APIC_VERSION);
}

/* --- memory that is not there --- */
VMX_TEST(vmx_ept, l2_reads_ones_where_l1_has_no_memory, 0)
{
	/* Expect: a leaf that points to nothing: ones, and a write that changes nothing. */
	u32 reason;
	struct l2 *l2;

	NEEDS_EPT(0);
	EXPECT_EQ(read_through(GPA, HOLE, &reason), ~0u);
	EXPECT_EQ(reason, EXIT_VMCALL);
	l2 = l2_new(write32);
	ept_use(eptp);
	l2->regs[RDI] = GPA;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(*(volatile u32 *)HOLE, ~0u);
}

VMX_TEST(vmx_ept, tables_where_l1_has_no_memory_are_misconfigured, 0)
{
	/* Expect: entries read as ones, which no level allows: a leaf table, then the root. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_page(read32, EPT_RWX);
	*ept_entry(eptp, GPA, EPT_LEVEL_2M) = HOLE | EPT_RWX;
	ept_invalidate(INVEPT_ALL, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_MISCONFIG);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, GPA);
	ept_use(HOLE | EPTP_FOUR_LEVELS | EPTP_WRITE_BACK);
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_MISCONFIG);
}

VMX_TEST(vmx_ept, bitmaps_where_l1_has_no_memory_are_ones, 0)
{
	/* Expect: an MSR bitmap and I/O bitmaps that point to nothing make everything exit. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	l2 = l2_new(rdmsr_insn);
	l2->regs[RCX] = MSR_IA32_LSTAR;
	vmx_write(VMCS_MSR_BITMAP, HOLE);
	EXPECT_EQ(l2_enter(l2), EXIT_RDMSR);
	l2 = l2_new(outs_insn);
	l2->regs[RDX] = COM1_SCRATCH;
	control_on(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	vmx_write(VMCS_IO_BITMAP_A, HOLE);
	vmx_write(VMCS_IO_BITMAP_B, HOLE);
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
}
