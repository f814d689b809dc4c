/* SPDX-License-Identifier: MIT */
/*
 * The L2 of a test of VM entry's checks. The invariant: between two entries the VMCS holds `kept`,
 * but for what check_set() has changed since.
 */
#include "tests/guest/lib/vmx_check.h"
#include "hv/descriptors.h"
#include "hv/format.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/report.h"
#include "vmx/access_rights.h"

#define ALL_EXCEPTIONS  (~0u)
#define FIELDS_MAX      256
#define VECTORS         256
#define PDPTES          4
#define TABLE_ENTRIES   512
#define EPT_RWX         BITS(2, 0)
#define EPT_WRITE_BACK  (6u << 3)
#define EPT_LARGE       BIT(7)
#define EPT_LARGE_BYTES (2 * MIB)
#define EPTP_BITS       ((3u << 3) | 6u) /* a walk of 4 levels, write-back */
#define RING3           3u
#define AR_DPL3         (RING3 << 5)
#define TEXT_MAX        80

extern u64 boot_pds[PDPTES][TABLE_ENTRIES];

static struct l2 l2;
static u64 kept[FIELDS_MAX];
static bool exists[FIELDS_MAX], is_set[FIELDS_MAX];
static const struct vmcs_field_info *last_set;
static u64 last_value;
static u64 pages[16]; /* of tables, freed at the end */
static u32 page_count;
static struct gate idt[VECTORS];
static u64 *user_leaf;

static u64 new_page(void)
{
	if (page_count == ARRAY_SIZE(pages))
		report_fatal("a test of VM entry wants more than %u pages", page_count);
	return pages[page_count++] = memory_page_alloc();
}

static u32 row_of(enum vmcs_field field)
{
	const struct vmcs_field_info *info = vmcs_field_find(field);

	if (!info)
		report_fatal("no VMCS field 0x%x", field);
	return (u32)(info - vmcs_field_table);
}

static bool is_saved_by_exits(const struct vmcs_field_info *field)
{
	return field->kind == VMCS_GUEST_STATE || field->encoding == VMCS_ENTRY_INTR_INFO ||
	       field->encoding == VMCS_ENTRY_CONTROLS;
}

static void keep_all(void)
{
	for (u32 i = 0; i < vmcs_field_count; i++) {
		exists[i] = vmx_try_vmread(vmcs_field_table[i].encoding, &kept[i]) == VMSUCCEED;
		is_set[i] = false;
	}
}

/* What was set, and where L2 ran what its exit saved. */
static void put_back(bool ran)
{
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		if (is_set[i] || (ran && exists[i] && is_saved_by_exits(field)))
			vmx_write((enum vmcs_field)field->encoding, kept[i]);
		is_set[i] = false;
	}
	last_set = NULL;
}

void check_set(enum vmcs_field field, u64 value)
{
	u32 row = row_of(field);

	is_set[row] = true;
	last_set = &vmcs_field_table[row];
	last_value = value;
	vmx_write(field, value);
}

void check_keep(enum vmcs_field field, u64 value)
{
	vmx_write(field, value);
	kept[row_of(field)] = value;
}

void check_keep_bits(enum vmcs_field field, u64 set, u64 clear)
{
	check_keep(field, (check_base(field) | set) & ~clear);
}

u64 check_base(enum vmcs_field field)
{
	return kept[row_of(field)];
}

static void describe(char text[TEXT_MAX], u64 what)
{
	u32 reason = (u32)what;

	if (reason & L2_VMFAIL)
		format_text(text, TEXT_MAX, "VMfailValid(%u)", reason & ~L2_VMFAIL);
	else if (reason & EXIT_REASON_ENTRY_FAILURE)
		format_text(text, TEXT_MAX, "entry failure %u, qualification %u", reason & 0xffff,
			    (u32)(what >> 32));
	else
		format_text(text, TEXT_MAX, "exit %u", reason);
}

u64 check_enter(void)
{
	u32 reason = l2_enter(&l2);
	u64 qualification = 0;

	if (!(reason & L2_VMFAIL) && (reason & EXIT_REASON_ENTRY_FAILURE))
		qualification = vmx_read(VMCS_EXIT_QUALIFICATION);
	return qualification << 32 | reason;
}

void check_put_back(void)
{
	put_back(true);
}

void check_entry(const char *file, int line, u64 want)
{
	char expected[TEXT_MAX], seen[TEXT_MAX];
	const char *name = last_set ? last_set->name : "nothing set";
	u64 got = check_enter();

	put_back(!((u32)got & (L2_VMFAIL | EXIT_REASON_ENTRY_FAILURE)));
	if (got != want) {
		describe(expected, want);
		describe(seen, got);
		test_fail(file, line, "%s = 0x%llx: expected %s got %s", name,
			  (unsigned long long)last_value, expected, seen);
	}
	got = check_enter();
	if (got != ENTERS) {
		put_back(true);
		describe(seen, got);
		test_fail(file, line, "after %s: expected that L2 enters again, got %s", name,
			  seen);
	}
}

bool check_use_cpu2(u32 controls)
{
	if (!vmx_has_cpu2(controls))
		return false;
	check_keep_bits(VMCS_CPU_CONTROLS, CPU_SECONDARY, 0);
	check_keep_bits(VMCS_CPU_CONTROLS2, controls, 0);
	return true;
}

/* The lowest 4 GiB in 2 MiB leaves. */
static u64 identity_ept(void)
{
	u64 *top = (u64 *)new_page(), *second = (u64 *)new_page();

	top[0] = (u64)second | EPT_RWX;
	for (u64 i = 0; i < 4; i++) {
		u64 *third = (u64 *)new_page();

		second[i] = (u64)third | EPT_RWX;
		for (u64 j = 0; j < TABLE_ENTRIES; j++)
			third[j] = (i * TABLE_ENTRIES + j) * EPT_LARGE_BYTES | EPT_RWX |
				   EPT_WRITE_BACK | EPT_LARGE;
	}
	return (u64)top | EPTP_BITS;
}

bool check_use_ept(void)
{
	if (!vmx_has_cpu2(CPU2_ENABLE_EPT))
		return false;
	check_keep(VMCS_EPT_POINTER, identity_ept());
	return check_use_cpu2(CPU2_ENABLE_EPT);
}

static void leave_64bit_mode(void)
{
	check_keep_bits(VMCS_ENTRY_CONTROLS, 0, ENTRY_CTL_IA32E_MODE);
	check_keep(VMCS_GUEST_SEL_CS, CODE32);
	check_keep(VMCS_GUEST_AR_CS, AR_FLAT_CODE);
}

u64 check_to_pae(void)
{
	u64 page = new_page();

	leave_64bit_mode();
	for (u32 i = 0; i < PDPTES; i++) {
		((u64 *)page)[i] = (u64)boot_pds[i] | PTE_PRESENT;
		if (vmx_has_cpu2(CPU2_ENABLE_EPT))
			check_keep(VMCS_GUEST_PDPTE0 + 2 * i, (u64)boot_pds[i] | PTE_PRESENT);
	}
	check_keep(VMCS_GUEST_CR3, page);
	return page;
}

bool check_to_flat(void)
{
	if (!vmx_has_cpu2(CPU2_UNRESTRICTED_GUEST) || !check_use_ept())
		return false;
	check_use_cpu2(CPU2_UNRESTRICTED_GUEST);
	leave_64bit_mode();
	check_keep_bits(VMCS_GUEST_CR0, 0, CR0_PG);
	return true;
}

void check_to_ring3(void)
{
	u64 code = check_base(VMCS_GUEST_RIP);

	user_leaf = paging_leaf(code);
	paging_set(user_leaf, code, *user_leaf | PTE_USER);
	check_keep(VMCS_GUEST_SEL_CS, USER_CS);
	check_keep(VMCS_GUEST_SEL_SS, USER_DS);
	check_keep_bits(VMCS_GUEST_AR_CS, AR_DPL3, 0);
	check_keep_bits(VMCS_GUEST_AR_SS, AR_DPL3, 0);
}

/* Whatever is delivered to L2 ends in the VMCALL that it runs anyhow. */
static void make_idt(void)
{
	u64 code = (u64)vmx_call_for_ever;

	for (u32 vector = 0; vector < VECTORS; vector++)
		idt[vector] = (struct gate){
			.offset_low = (u16)code,
			.selector = KERNEL_CS,
			.type = GATE_INTERRUPT,
			.offset_middle = (u16)(code >> 16),
			.offset_high = (u32)(code >> 32),
		};
}

void check_begin(void)
{
	page_count = 0;
	user_leaf = NULL;
	make_idt();
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	keep_all();
	check_keep(VMCS_EXCEPTION_BITMAP, ALL_EXCEPTIONS);
	check_keep(VMCS_GUEST_BASE_IDTR, (u64)idt);
	check_keep(VMCS_GUEST_LIMIT_IDTR, sizeof(idt) - 1);
	EXPECT_ENTRY(ENTERS);
}

void check_end(void)
{
	if (user_leaf)
		paging_set(user_leaf, (u64)vmx_call_for_ever, *user_leaf & ~PTE_USER);
	unblock_nmi(); /* of one that was injected: L2 never ends its handler */
	l2_destroy(&l2);
	while (page_count)
		memory_page_free(pages[--page_count]);
}

void check_page_address(enum vmcs_field field)
{
	u64 page = check_base(field);

	for (u32 bit = 0; bit < PAGE_SHIFT; bit++)
		EXPECT_REFUSED(BAD_CONTROLS, field, page | BIT(bit));
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_REFUSED(BAD_CONTROLS, field, page | BIT(bit));
	EXPECT_ENTERS(field, page);
}

void check_pat_types(enum vmcs_field field, u64 bad)
{
	u64 pat = check_base(field);

	for (u32 entry = 0; entry < 8; entry++) {
		u64 others = pat & ~(0xffULL << 8 * entry);

		for (u64 type = 0; type < 256; type = type < 9 ? type + 1 : type * 2) {
			bool known = type < 8 && type != 2 && type != 3;

			EXPECT_REFUSED(known ? ENTERS : bad, field, others | type << 8 * entry);
		}
	}
}
