/* SPDX-License-Identifier: MIT */
/* VM entry's checks of the guest's segment and descriptor-table registers. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_check.h"
#include "vmx/access_rights.h"

#define LAST_CANONICAL  (NON_CANONICAL - 1)
#define FIRST_CANONICAL (~LAST_CANONICAL)
#define AR_TYPE_MASK    0xfu
#define AR_DPL_SHIFT    5
#define AR_RESERVED     (BITS(11, 8) | BITS(31, 17))
#define LIMIT_1M        0xfffffu
#define LDT_SELECTOR    0x28u
#define TYPES           16u

#define BIT_OF(type)    (1u << (type))
#define DATA_TYPES      (BIT_OF(1) | BIT_OF(3) | BIT_OF(5) | BIT_OF(7) | BIT_OF(11) | BIT_OF(15))
#define STACK_TYPES     (BIT_OF(3) | BIT_OF(7))
#define CODE_TYPES      (BIT_OF(9) | BIT_OF(11) | BIT_OF(13) | BIT_OF(15))

/* The fields of a segment register are a distance apart in each group. */
static enum vmcs_field selector_of(enum segment segment)
{
	return VMCS_GUEST_SEL_ES + 2 * segment;
}

static enum vmcs_field base_of(enum segment segment)
{
	return VMCS_GUEST_BASE_ES + 2 * segment;
}

static enum vmcs_field limit_of(enum segment segment)
{
	return VMCS_GUEST_LIMIT_ES + 2 * segment;
}

static enum vmcs_field rights_of(enum segment segment)
{
	return VMCS_GUEST_AR_ES + 2 * segment;
}

static void make_usable(enum segment segment)
{
	check_keep(selector_of(segment), KERNEL_DS);
	check_keep(base_of(segment), 0);
	check_keep(limit_of(segment), ~0u);
	check_keep(rights_of(segment), AR_FLAT_DATA);
}

static void make_ldt_usable(void)
{
	check_keep(VMCS_GUEST_SEL_LDTR, LDT_SELECTOR);
	check_keep(VMCS_GUEST_BASE_LDTR, 0);
	check_keep(VMCS_GUEST_LIMIT_LDTR, 0xfff);
	check_keep(VMCS_GUEST_AR_LDTR, AR_LDT);
}

/* Code of 32 bits in IA-32e mode, where SS counts for more than in 64-bit code. */
static void go_to_compatibility_mode(void)
{
	check_keep(VMCS_GUEST_SEL_CS, CODE32);
	check_keep(VMCS_GUEST_AR_CS, AR_FLAT_CODE);
}

static void expect_types(enum segment segment, u32 good)
{
	u64 rights = check_base(rights_of(segment)) & ~(u64)AR_TYPE_MASK;

	for (u32 type = 0; type < TYPES; type++)
		EXPECT_REFUSED(good & BIT_OF(type) ? ENTERS : BAD_GUEST, rights_of(segment),
			       rights | type);
}

/* What the access rights of all registers have in common; L2 must not depend on the limit. */
static void expect_common_rights(enum segment segment)
{
	u64 rights = check_base(rights_of(segment));

	EXPECT_REFUSED(BAD_GUEST, rights_of(segment), rights ^ AR_S);
	EXPECT_REFUSED(BAD_GUEST, rights_of(segment), rights & ~(u64)AR_P);
	for (u32 bit = 0; bit < 32; bit++) {
		if (!(AR_RESERVED & BIT(bit)))
			continue;
		check_set(rights_of(segment), rights | BIT(bit));
		if (vmx_read(rights_of(segment)) & BIT(bit)) /* a CPU may not even keep it */
			EXPECT_ENTRY(BAD_GUEST);
		else
			EXPECT_ENTRY(ENTERS);
	}
}

static void expect_granularity(enum segment segment)
{
	u64 rights = check_base(rights_of(segment));

	for (u32 bit = 0; bit < 12; bit++) {
		check_set(rights_of(segment), rights | AR_G);
		EXPECT_REFUSED(BAD_GUEST, limit_of(segment), ~0u & ~BIT(bit));
	}
	for (u32 bit = 20; bit < 32; bit++) {
		check_set(rights_of(segment), rights & ~(u64)AR_G);
		EXPECT_REFUSED(BAD_GUEST, limit_of(segment), 0x67 | BIT(bit));
	}
	check_set(rights_of(segment), rights | AR_G);
	EXPECT_ENTERS(limit_of(segment), ~0u);
	check_set(rights_of(segment), rights | AR_G);
	EXPECT_ENTERS(limit_of(segment), LIMIT_1M);
}

static void expect_canonical_base(enum segment segment)
{
	EXPECT_REFUSED(BAD_GUEST, base_of(segment), NON_CANONICAL);
	EXPECT_REFUSED(BAD_GUEST, base_of(segment), ~NON_CANONICAL);
	EXPECT_REFUSED(BAD_GUEST, base_of(segment), BIT(63));
	EXPECT_ENTERS(base_of(segment), LAST_CANONICAL);
	EXPECT_ENTERS(base_of(segment), FIRST_CANONICAL);
}

static void expect_32_bit_base(enum segment segment)
{
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, base_of(segment), BIT(bit));
}

CHECK_TEST(guest_tr_is_in_the_gdt)
{
	/* Expect: a failure by guest state with the TI bit in TR's selector. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_SEL_TR, check_base(VMCS_GUEST_SEL_TR) | SELECTOR_TI);
}

CHECK_TEST(guest_tr_is_usable)
{
	/* Expect: a failure by guest state for an unusable TR. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_TR, check_base(VMCS_GUEST_AR_TR) | AR_UNUSABLE);
}

CHECK_TEST(guest_tr_is_a_busy_tss)
{
	/* Expect: type 11 in IA-32e mode, also type 3 under PAE paging; a failure for all
	 * others. */
	expect_types(SEGMENT_TR, BIT_OF(11));
	check_to_pae();
	expect_types(SEGMENT_TR, BIT_OF(3) | BIT_OF(11));
}

CHECK_TEST(guest_tr_rights_are_consistent)
{
	/* Expect: a failure with S = 1, P = 0, a reserved bit, or a granularity that the limit does
	 * not fit. */
	expect_common_rights(SEGMENT_TR);
	expect_granularity(SEGMENT_TR);
}

CHECK_TEST(guest_tr_base_is_canonical)
{
	/* Expect: a failure by guest state for others. */
	expect_canonical_base(SEGMENT_TR);
}

CHECK_TEST(guest_ldtr_is_in_the_gdt)
{
	/* Expect: a failure with the TI bit in the selector of a usable LDTR; an unusable one
	 * does not matter. */
	EXPECT_ENTERS(VMCS_GUEST_SEL_LDTR, LDT_SELECTOR | SELECTOR_TI);
	make_ldt_usable();
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_SEL_LDTR, LDT_SELECTOR | SELECTOR_TI);
	EXPECT_ENTERS(VMCS_GUEST_SEL_LDTR, LDT_SELECTOR);
}

CHECK_TEST(guest_ldtr_is_an_ldt)
{
	/* Expect: a failure for all types but 2 where it is usable. */
	make_ldt_usable();
	expect_types(SEGMENT_LDTR, BIT_OF(2));
	EXPECT_ENTERS(VMCS_GUEST_AR_LDTR, AR_UNUSABLE | AR_TYPE_MASK);
}

CHECK_TEST(guest_ldtr_rights_are_consistent)
{
	/* Expect: a failure with S = 1, P = 0, a reserved bit, or a granularity that the limit does
	 * not fit. */
	make_ldt_usable();
	expect_common_rights(SEGMENT_LDTR);
	expect_granularity(SEGMENT_LDTR);
}

CHECK_TEST(guest_ldtr_base_is_canonical)
{
	/* Expect: a failure for others where it is usable. */
	EXPECT_ENTERS(VMCS_GUEST_BASE_LDTR, NON_CANONICAL);
	make_ldt_usable();
	expect_canonical_base(SEGMENT_LDTR);
}

CHECK_TEST(guest_fs_and_gs_bases_are_canonical)
{
	/* Expect: a failure for others, usable or not. */
	expect_canonical_base(SEGMENT_FS);
	expect_canonical_base(SEGMENT_GS);
	make_usable(SEGMENT_FS);
	make_usable(SEGMENT_GS);
	expect_canonical_base(SEGMENT_FS);
	expect_canonical_base(SEGMENT_GS);
}

CHECK_TEST(guest_cs_type_is_accessed_code)
{
	/* Expect: types 9, 11, 13 and 15 enter; a failure for all others. */
	expect_types(SEGMENT_CS, CODE_TYPES);
}

CHECK_TEST(guest_cs_type_of_an_unrestricted_guest_may_be_data)
{
	/* Expect: type 3 enters there too, with DPL 0; a failure with DPL 3. */
	NEEDS(check_to_flat(), "unrestricted guest");
	expect_types(SEGMENT_CS, CODE_TYPES | BIT_OF(3));
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_CS, AR_FLAT_DATA | 3u << AR_DPL_SHIFT);
}

CHECK_TEST(guest_cs_rights_are_consistent)
{
	/* Expect: a failure with S = 0, P = 0, a reserved bit, or a granularity that the limit does
	 * not fit. */
	expect_common_rights(SEGMENT_CS);
	expect_granularity(SEGMENT_CS);
}

CHECK_TEST(guest_cs_is_not_both_64_and_32_bit_code)
{
	/* Expect: a failure with L and D in IA-32e mode; under PAE paging L does not matter. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_CS, check_base(VMCS_GUEST_AR_CS) | AR_DB);
	check_to_pae();
	EXPECT_ENTERS(VMCS_GUEST_AR_CS, check_base(VMCS_GUEST_AR_CS) | AR_L);
}

CHECK_TEST(guest_cs_dpl_is_that_of_ss)
{
	/* Expect: a failure for DPL 1 to 3 with code that is not conforming, and with conforming
	 * code, SS.DPL being 0. */
	for (u32 dpl = 1; dpl < 4; dpl++) {
		u64 rights = check_base(VMCS_GUEST_AR_CS) | dpl << AR_DPL_SHIFT;

		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_CS, rights);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_CS, (rights & ~(u64)AR_TYPE_MASK) | 13);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_CS, rights | AR_TYPE_MASK);
	}
}

CHECK_TEST(guest_of_ring_3_enters)
{
	/* Expect: CS and SS of ring 3 enter; conforming code with a DPL below SS's too; a failure
	 * where SS's DPL is 0. */
	check_to_ring3();
	EXPECT_ENTRY(ENTERS);
	EXPECT_ENTERS(VMCS_GUEST_AR_CS, AR_G | AR_L | AR_P | AR_S | 15);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_SS, AR_FLAT_DATA);
}

CHECK_TEST(guest_cs_base_has_32_bits)
{
	/* Expect: a failure for each of bits 63:32. */
	expect_32_bit_base(SEGMENT_CS);
}

CHECK_TEST(guest_ss_type_is_accessed_writable_data)
{
	/* Expect: types 3 and 7 enter; a failure for all others; an unusable SS does not matter. */
	go_to_compatibility_mode();
	expect_types(SEGMENT_SS, STACK_TYPES);
	EXPECT_ENTERS(VMCS_GUEST_AR_SS, AR_UNUSABLE);
}

CHECK_TEST(guest_ss_type_counts_in_64_bit_code)
{
	/* Expect: the same for 64-bit code. */
	expect_types(SEGMENT_SS, STACK_TYPES);
	expect_common_rights(SEGMENT_SS);
}

CHECK_TEST(guest_ss_rights_are_consistent)
{
	/* Expect: a failure with S = 0, P = 0, a reserved bit, or a granularity that the limit does
	 * not fit. */
	go_to_compatibility_mode();
	expect_common_rights(SEGMENT_SS);
	expect_granularity(SEGMENT_SS);
}

CHECK_TEST(guest_ss_dpl_is_its_rpl)
{
	/* Expect: a failure where they differ, also in an unusable SS. */
	for (u32 dpl = 1; dpl < 4; dpl++) {
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_SS, AR_FLAT_DATA | dpl << AR_DPL_SHIFT);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_SS, AR_UNUSABLE | dpl << AR_DPL_SHIFT);
	}
}

CHECK_TEST(guest_ss_rpl_is_that_of_cs)
{
	/* Expect: a failure where they differ. */
	for (u32 rpl = 1; rpl < 4; rpl++) {
		check_set(VMCS_GUEST_AR_SS, AR_FLAT_DATA | rpl << AR_DPL_SHIFT);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_SEL_SS, KERNEL_DS | rpl);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_SEL_CS, KERNEL_CS | rpl);
	}
}

CHECK_TEST(guest_ss_dpl_of_real_mode_is_0)
{
	/* Expect: in an unrestricted guest with CR0.PE = 0, a failure with another DPL; there CS
	 * and SS may have any RPL. */
	NEEDS(check_to_flat(), "unrestricted guest");
	check_keep_bits(VMCS_GUEST_CR0, 0, CR0_PE);
	EXPECT_ENTRY(ENTERS);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_SS, AR_FLAT_DATA | 3u << AR_DPL_SHIFT);
	EXPECT_ENTERS(VMCS_GUEST_SEL_SS, KERNEL_DS | 3);
}

CHECK_TEST(guest_ss_base_has_32_bits)
{
	/* Expect: a failure for each of bits 63:32. */
	go_to_compatibility_mode();
	expect_32_bit_base(SEGMENT_SS);
}

static const enum segment data_segments[] = { SEGMENT_DS, SEGMENT_ES, SEGMENT_FS, SEGMENT_GS };

CHECK_TEST(guest_data_segments_are_accessed_and_readable)
{
	/* Expect: data types 1, 3, 5, 7 and code types 11 and 15 enter; a failure for all
	 * others. */
	for (u32 i = 0; i < ARRAY_SIZE(data_segments); i++) {
		make_usable(data_segments[i]);
		expect_types(data_segments[i], DATA_TYPES);
	}
}

CHECK_TEST(guest_data_segment_rights_are_consistent)
{
	/* Expect: a failure with S = 0, P = 0, a reserved bit, or a granularity that the limit does
	 * not fit. */
	for (u32 i = 0; i < ARRAY_SIZE(data_segments); i++) {
		make_usable(data_segments[i]);
		expect_common_rights(data_segments[i]);
		expect_granularity(data_segments[i]);
	}
}

CHECK_TEST(guest_data_segment_dpl_is_not_below_its_rpl)
{
	/* Expect: a failure where it is, for data and code that is not conforming; conforming code
	 * enters. */
	for (u32 i = 0; i < ARRAY_SIZE(data_segments); i++) {
		enum segment segment = data_segments[i];

		make_usable(segment);
		for (u32 rpl = 1; rpl < 4; rpl++) {
			EXPECT_REFUSED(BAD_GUEST, selector_of(segment), KERNEL_DS | rpl);
			check_set(rights_of(segment), AR_FLAT_DATA | rpl << AR_DPL_SHIFT);
			EXPECT_ENTERS(selector_of(segment), KERNEL_DS | rpl);
			check_set(rights_of(segment), AR_FLAT_DATA | 15);
			EXPECT_ENTERS(selector_of(segment), KERNEL_DS | rpl);
		}
	}
}

CHECK_TEST(guest_data_segment_of_type_11_has_a_dpl_not_below_its_rpl)
{
	/* Expect: a failure where it is, for code that is not conforming. */
	if (machine_is_bochs())
		SKIP("Bochs 2.7 takes type 11 for conforming code");
	for (u32 i = 0; i < ARRAY_SIZE(data_segments); i++) {
		make_usable(data_segments[i]);
		check_set(rights_of(data_segments[i]), AR_FLAT_CODE);
		EXPECT_REFUSED(BAD_GUEST, selector_of(data_segments[i]), KERNEL_DS | 3);
	}
}

CHECK_TEST(guest_data_segments_that_are_unusable_do_not_matter)
{
	/* Expect: with the unusable bit, any type, limit and selector enter. */
	for (u32 i = 0; i < ARRAY_SIZE(data_segments); i++) {
		check_set(rights_of(data_segments[i]), AR_UNUSABLE | AR_G | AR_TYPE_MASK);
		check_set(limit_of(data_segments[i]), 0x12345);
		EXPECT_ENTERS(selector_of(data_segments[i]), 0xffff);
	}
}

CHECK_TEST(guest_ds_and_es_bases_have_32_bits)
{
	/* Expect: a failure for each of bits 63:32 where they are usable. */
	expect_32_bit_base(SEGMENT_DS);
	expect_32_bit_base(SEGMENT_ES);
}

CHECK_TEST(guest_gdtr_and_idtr_bases_are_canonical)
{
	/* Expect: a failure by guest state for others. */
	const enum vmcs_field fields[] = { VMCS_GUEST_BASE_GDTR, VMCS_GUEST_BASE_IDTR };

	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		EXPECT_REFUSED(BAD_GUEST, fields[i], NON_CANONICAL);
		EXPECT_REFUSED(BAD_GUEST, fields[i], ~NON_CANONICAL);
		EXPECT_ENTERS(fields[i], LAST_CANONICAL);
		EXPECT_ENTERS(fields[i], FIRST_CANONICAL);
	}
}

CHECK_TEST(guest_gdtr_and_idtr_limits_have_16_bits)
{
	/* Expect: a failure by guest state for each of bits 31:16; FFFFh enters. */
	const enum vmcs_field fields[] = { VMCS_GUEST_LIMIT_GDTR, VMCS_GUEST_LIMIT_IDTR };

	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		for (u32 bit = 16; bit < 32; bit++)
			EXPECT_REFUSED(BAD_GUEST, fields[i], check_base(fields[i]) | BIT(bit));
		EXPECT_ENTERS(fields[i], 0xffff);
	}
}
