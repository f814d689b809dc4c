/* SPDX-License-Identifier: MIT */
/* What EPT entries allow, and what the exits tell: violations for each permission, access and
 * level, and misconfigurations (SDM "EPT Violations", "EPT Misconfigurations"). */
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "vmx/qualification.h"

/* L2's own physical addresses, under a root entry that nothing else needs, and its linear ones. */
#define GPA       BIT(39)
#define VA        (PAGING_TEST_VA + 0x40000000ULL)
#define OFFSET    0x238u
#define INSIDE    0x5a5a5a5a12345678ULL
#define LINEAR    (EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND)
#define BASIC     (BITS(5, 0) | LINEAR) /* of the qualification; the rest depends on the CPU */
#define ALLOWS(r) ((u64)(r) << EPT_VIOLATION_RIGHTS_SHIFT)

#define NEEDS_HIGH_GPA()                                             \
	do {                                                         \
		NEEDS_EPT(0);                                        \
		if (physical_address_bits() < 40)                    \
			SKIP("no physical addresses above 512 GiB"); \
	} while (0)

L2_CODE(fetch_insn, "jmp *%rdi");
L2_CODE(modify_insn, "incl (%rdi)");

static const struct access {
	const char *code;
	u32 right;
} accesses[] = {
	{ read_insn, EPT_READ },
	{ write_insn, EPT_WRITE },
	{ fetch_insn, EPT_EXECUTE },
};

/* A place for L2: a page of L1's, the EPT tables, and where L2 finds it. */
struct place {
	u64 page, eptp;
	u64 gpa, va; /* of an operand in it */
};

/* At which page of L2's region the page lies when a leaf of this level maps it. */
static struct place place_new(u32 level)
{
	struct place place = { .page = vmx_page(), .eptp = ept_new() };
	u64 into_leaf = place.page % ept_level_size(level);

	place.gpa = GPA + into_leaf + OFFSET;
	place.va = VA + OFFSET;
	*(u64 *)(place.page + OFFSET) = INSIDE;
	paging_map(VA, GPA + into_leaf, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
	return place;
}

static void place_map(const struct place *place, u32 level, u64 rights)
{
	ept_map(place->eptp, place->gpa, level,
		ALIGN_DOWN(place->page, ept_level_size(level)) | EPT_WB | rights);
}

static struct l2 *l2_at(const struct place *place, const char *code)
{
	struct l2 *l2 = l2_new(code);

	ept_use(place->eptp);
	l2->regs[RDI] = place->va;
	l2->regs[RAX] = ~INSIDE;
	if (code == fetch_insn) {
		*(u32 *)(place->page + OFFSET) = 0xc1010f; /* VMCALL */
	}
	return l2;
}

static void expect_violation(const struct place *place, u64 qualification)
{
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, qualification);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, place->gpa);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, place->va);
}

static void expect_done(const struct l2 *l2, const struct place *place, const char *code)
{
	if (code == read_insn)
		EXPECT_EQ(l2->regs[RAX], INSIDE);
	else if (code == write_insn)
		EXPECT_EQ(*(u64 *)(place->page + OFFSET), ~INSIDE);
	else
		EXPECT_FIELD(GUEST_RIP, place->va);
}

/* Each access, where the entries together give these rights. */
static void expect_rights(const struct place *place, u64 rights)
{
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		const struct access *a = &accesses[i];
		struct l2 *l2;

		*(u64 *)(place->page + OFFSET) = INSIDE;
		l2 = l2_at(place, a->code);
		if (rights & a->right) {
			EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
			expect_done(l2, place, a->code);
		} else {
			EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
			expect_violation(place, a->right | ALLOWS(rights) | LINEAR);
			EXPECT_FIELD(GUEST_RIP, a->code == fetch_insn ? place->va : (u64)a->code);
		}
	}
}

static bool has_execute_only(void)
{
	return rdmsr(MSR_IA32_VMX_EPT_VPID_CAP) & EPT_CAP_MASK(EXECUTE_ONLY);
}

/* Expect: of reads, writes and fetches exactly those pass that the leaf allows; the others exit
 * with access, rights, guest-physical and guest-linear address. */
static void expect_leaf(u32 level, u64 rights)
{
	struct place place;

	NEEDS_HIGH_GPA();
	if (level == EPT_LEVEL_1G)
		NEEDS_EPT(EPT_CAP_MASK(PAGE_1G));
	if (rights == EPT_EXECUTE && !has_execute_only())
		SKIP("no execute-only entries");
	place = place_new(level);
	place_map(&place, level, rights);
	expect_rights(&place, rights);
	paging_unmap(VA);
}

#define LEAF_TESTS(level_)                                                  \
	VMX_TEST(vmx_ept, a_##level_##_leaf_without_rights_is_not_there, 0) \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, 0);                         \
	}                                                                   \
	VMX_TEST(vmx_ept, a_##level_##_leaf_may_be_read_only, 0)            \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, EPT_READ);                  \
	}                                                                   \
	VMX_TEST(vmx_ept, a_##level_##_leaf_may_be_read_write, 0)           \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, EPT_READ | EPT_WRITE);      \
	}                                                                   \
	VMX_TEST(vmx_ept, a_##level_##_leaf_may_be_read_execute, 0)         \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, EPT_READ | EPT_EXECUTE);    \
	}                                                                   \
	VMX_TEST(vmx_ept, a_##level_##_leaf_may_be_execute_only, 0)         \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, EPT_EXECUTE);               \
	}                                                                   \
	VMX_TEST(vmx_ept, a_##level_##_leaf_may_allow_all, 0)               \
	{                                                                   \
		expect_leaf(EPT_LEVEL_##level_, EPT_RWX);                   \
	}

LEAF_TESTS(4K)
LEAF_TESTS(2M)
LEAF_TESTS(1G)

/* The entry at this level gives fewer rights than the leaf. */
static void expect_table(u32 level)
{
	static const u64 rights[] = { EPT_READ, EPT_READ | EPT_WRITE, EPT_READ | EPT_EXECUTE, 0 };

	NEEDS_HIGH_GPA();
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		struct place place = place_new(EPT_LEVEL_4K);
		u64 *entry;

		place_map(&place, EPT_LEVEL_4K, EPT_RWX);
		entry = ept_entry(place.eptp, place.gpa, level);
		*entry = (*entry & ~EPT_RWX) | rights[i];
		expect_rights(&place, rights[i]);
	}
	paging_unmap(VA);
}

VMX_TEST(vmx_ept, rights_of_a_page_directory_entry_count, 0)
{
	/* Expect: as if they were the leaf's. */
	expect_table(EPT_LEVEL_2M);
}

VMX_TEST(vmx_ept, rights_of_a_directory_pointer_entry_count, 0)
{
	/* Expect: as if they were the leaf's. */
	expect_table(EPT_LEVEL_1G);
}

VMX_TEST(vmx_ept, rights_of_a_root_entry_count, 0)
{
	/* Expect: as if they were the leaf's. */
	expect_table(EPT_LEVEL_ROOT);
}

VMX_TEST(vmx_ept, rights_of_all_levels_are_anded, 0)
{
	/* Expect: R|X above and R|W below make R. */
	struct place place;
	u64 *entry;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_4K);
	place_map(&place, EPT_LEVEL_4K, EPT_READ | EPT_WRITE);
	entry = ept_entry(place.eptp, place.gpa, EPT_LEVEL_2M);
	*entry &= ~EPT_WRITE;
	expect_rights(&place, EPT_READ);
	paging_unmap(VA);
}

VMX_TEST(vmx_ept, read_modify_write_tells_both, 0)
{
	/* Expect: INC on a page that is not there and on a read-only one: read and write. */
	static const u64 rights[] = { 0, EPT_READ };

	NEEDS_HIGH_GPA();
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		struct place place = place_new(EPT_LEVEL_4K);
		u64 qualification;

		place_map(&place, EPT_LEVEL_4K, rights[i]);
		EXPECT_EQ(l2_enter(l2_at(&place, modify_insn)), EXIT_EPT_VIOLATION);
		paging_unmap(VA);
		qualification = vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC;
		if (qualification == (EPT_VIOLATION_WRITE | LINEAR | ALLOWS(rights[i])))
			SKIP("Bochs 2.7 tells a read-modify-write as a write");
		EXPECT_EQ(qualification,
			  EPT_VIOLATION_READ | EPT_VIOLATION_WRITE | LINEAR | ALLOWS(rights[i]));
	}
}

VMX_TEST(vmx_ept, access_over_a_page_end_tells_the_second_page, 0)
{
	/* Expect: the addresses of what could not be read, not of where the operand begins. */
	struct place place;
	struct l2 *l2;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_4K);
	place_map(&place, EPT_LEVEL_4K, EPT_RWX);
	paging_map(VA + PAGE_SIZE, place.gpa - OFFSET + PAGE_SIZE,
		   PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
	l2 = l2_at(&place, read_insn);
	l2->regs[RDI] = VA + PAGE_SIZE - 3;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, EPT_VIOLATION_READ | LINEAR);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, place.gpa - OFFSET + PAGE_SIZE);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, VA + PAGE_SIZE);
	paging_unmap(VA);
	paging_unmap(VA + PAGE_SIZE);
}

VMX_TEST(vmx_ept, l2_goes_on_when_l1_mends_the_entry, 0)
{
	/* Expect: after the exit L1 maps the page, without INVEPT, and the access is done. */
	struct place place;
	struct l2 *l2;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_4K);
	l2 = l2_at(&place, read_insn);
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	place_map(&place, EPT_LEVEL_4K, EPT_RWX);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], INSIDE);
	paging_unmap(VA);
}

VMX_TEST(vmx_ept, leaves_may_be_uncached, 0)
{
	/* Expect: L2 reads and writes memory of type UC as it does WB. */
	struct place place;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_4K);
	ept_map(place.eptp, place.gpa, EPT_LEVEL_4K, place.page | EPT_RWX);
	expect_rights(&place, EPT_RWX);
	paging_unmap(VA);
}

/* --- misconfigurations --- */
static void expect_misconfigured(const struct place *place)
{
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		EXPECT_EQ(l2_enter(l2_at(place, accesses[i].code)), EXIT_EPT_MISCONFIG);
		EXPECT_FIELD(GUEST_PHYSICAL_ADDR, place->gpa);
	}
}

/* The entry of this level, changed, is a misconfiguration for every access. */
static void expect_bad_entry(u32 level, u32 leaf_level, u64 clear, u64 set)
{
	struct place place = place_new(leaf_level);
	u64 *entry;

	place_map(&place, leaf_level, EPT_RWX);
	entry = ept_entry(place.eptp, place.gpa, level);
	*entry = (*entry & ~clear) | set;
	expect_misconfigured(&place);
	paging_unmap(VA);
}

VMX_TEST(vmx_ept, writable_but_not_readable_is_misconfigured, 0)
{
	/* Expect: W and WX, in a leaf and in a table entry of each level. */
	NEEDS_HIGH_GPA();
	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_ROOT; level++) {
		expect_bad_entry(level, EPT_LEVEL_4K, EPT_RWX, EPT_WRITE);
		expect_bad_entry(level, EPT_LEVEL_4K, EPT_RWX, EPT_WRITE | EPT_EXECUTE);
	}
	expect_bad_entry(EPT_LEVEL_2M, EPT_LEVEL_2M, EPT_RWX, EPT_WRITE);
}

VMX_TEST(vmx_ept, execute_only_is_misconfigured_where_it_is_not_offered, 0)
{
	/* Expect: a misconfiguration without the capability. */
	NEEDS_HIGH_GPA();
	if (has_execute_only())
		SKIP("execute-only entries are offered");
	expect_bad_entry(EPT_LEVEL_4K, EPT_LEVEL_4K, EPT_RWX, EPT_EXECUTE);
}

VMX_TEST(vmx_ept, bad_memory_types_are_misconfigured, 0)
{
	/* Expect: 2, 3 and 7, in leaves of each size. */
	static const u64 types[] = { 2, 3, 7 };
	u32 last = rdmsr(MSR_IA32_VMX_EPT_VPID_CAP) & EPT_CAP_MASK(PAGE_1G) ? EPT_LEVEL_1G
									    : EPT_LEVEL_2M;

	NEEDS_HIGH_GPA();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		for (u32 level = EPT_LEVEL_4K; level <= last; level++)
			expect_bad_entry(level, level, EPT_TYPE_MASK, types[i] << EPT_TYPE_SHIFT);
	}
}

VMX_TEST(vmx_ept, reserved_bits_of_table_entries_are_misconfigured, 0)
{
	/* Expect: bits 6:3 of an entry that names a table, bit 7 of a root entry. */
	NEEDS_HIGH_GPA();
	for (u32 bit = 3; bit <= 6; bit++) {
		expect_bad_entry(EPT_LEVEL_2M, EPT_LEVEL_4K, 0, BIT(bit));
		expect_bad_entry(EPT_LEVEL_1G, EPT_LEVEL_4K, 0, BIT(bit));
		expect_bad_entry(EPT_LEVEL_ROOT, EPT_LEVEL_4K, 0, BIT(bit));
	}
	expect_bad_entry(EPT_LEVEL_ROOT, EPT_LEVEL_4K, 0, EPT_LEAF);
}

VMX_TEST(vmx_ept, addresses_too_wide_are_misconfigured, 0)
{
	/* Expect: the bit at MAXPHYADDR, and bit 51, at each level. */
	NEEDS_HIGH_GPA();
	if (physical_address_bits() >= 52)
		SKIP("no physical address is too wide");
	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_ROOT; level++) {
		expect_bad_entry(level, EPT_LEVEL_4K, 0, BIT(physical_address_bits()));
		expect_bad_entry(level, EPT_LEVEL_4K, 0, BIT(51));
	}
}

VMX_TEST(vmx_ept, misaligned_large_leaves_are_misconfigured, 0)
{
	/* Expect: address bits below the leaf's size are reserved. */
	NEEDS_HIGH_GPA();
	expect_bad_entry(EPT_LEVEL_2M, EPT_LEVEL_2M, 0, BIT(13));
	expect_bad_entry(EPT_LEVEL_2M, EPT_LEVEL_2M, 0, BIT(20));
	NEEDS_EPT(EPT_CAP_MASK(PAGE_1G));
	expect_bad_entry(EPT_LEVEL_1G, EPT_LEVEL_1G, 0, BIT(21));
	expect_bad_entry(EPT_LEVEL_1G, EPT_LEVEL_1G, 0, BIT(29));
}

VMX_TEST(vmx_ept, bit_12_of_a_large_leaf_is_reserved, 0)
{
	/* Expect: the lowest of those bits, too. */
	struct place place;
	u32 reason;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_2M);
	place_map(&place, EPT_LEVEL_2M, EPT_RWX | BIT(12));
	reason = l2_enter(l2_at(&place, read_insn));
	paging_unmap(VA);
	if (machine_is_bochs() && reason == EXIT_VMCALL)
		SKIP("Bochs 2.7 does not look at bit 12 of a large leaf");
	EXPECT_EQ(reason, EXIT_EPT_MISCONFIG);
}

VMX_TEST(vmx_ept, entries_that_are_not_present_are_never_misconfigured, 0)
{
	/* Expect: a violation, whatever else the entry has, at each level. */
	NEEDS_HIGH_GPA();
	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_ROOT; level++) {
		struct place place = place_new(EPT_LEVEL_4K);

		place_map(&place, EPT_LEVEL_4K, EPT_RWX);
		*ept_entry(place.eptp, place.gpa, level) = ~EPT_RWX;
		EXPECT_EQ(l2_enter(l2_at(&place, read_insn)), EXIT_EPT_VIOLATION);
		expect_violation(&place, EPT_VIOLATION_READ | LINEAR);
	}
	paging_unmap(VA);
}

VMX_TEST(vmx_ept, ignored_bits_of_entries_are_ignored, 0)
{
	/* Expect: software's bits (11, 62:52) in all entries, and A and D without that feature. */
	u64 ignored = BIT(11) | BITS(56, 52) | BIT(62);
	struct place place;

	NEEDS_HIGH_GPA();
	place = place_new(EPT_LEVEL_4K);
	place_map(&place, EPT_LEVEL_4K, EPT_RWX);
	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_ROOT; level++)
		*ept_entry(place.eptp, place.gpa, level) |= ignored | EPT_ACCESSED | EPT_DIRTY;
	expect_rights(&place, EPT_RWX);
	paging_unmap(VA);
}
