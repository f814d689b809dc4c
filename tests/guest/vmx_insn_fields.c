/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE: every field that there is, and every encoding that names none. */
#include "hv/msr_index.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define UNSUPPORTED     VMFAIL(VMX_ERROR_UNSUPPORTED_FIELD)
#define READ_ONLY       VMFAIL(VMX_ERROR_READ_ONLY_FIELD)
#define ENCODINGS       0x8000u
#define RESERVED_BIT_12 0x1000u
/* SDM "Format of Access Rights": bits 11:8 and 31:17 are reserved; a CPU may keep none of them. */
#define ACCESS_RIGHTS   0x1f0ffULL

static u64 vmcs;
static u64 seed;

static void begin(void)
{
	vmcs = vmx_region_alloc();
	seed = 0x123456789abcdef;
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
}

static void end(void)
{
	vmx_try_vmclear(vmcs);
	memory_page_free(vmcs);
}

/* Marsaglia's xorshift. */
static u64 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static bool exists(const struct vmcs_field_info *field)
{
	return !field->control ||
	       (field->set == CONTROL_SET_CPU2
			? vmx_has_cpu2(field->control)
			: vmx_allows((enum control_set)field->set, field->control));
}

static bool is_writable(const struct vmcs_field_info *field)
{
	return field->kind != VMCS_EXIT_INFO || (rdmsr(MSR_IA32_VMX_MISC) & VMX_MISC_VMWRITE_ANY);
}

static bool is_access_rights(u32 encoding)
{
	return encoding >= VMCS_GUEST_AR_ES && encoding <= VMCS_GUEST_AR_TR;
}

/* What a field keeps of 64 bits. */
static u64 mask_of(const struct vmcs_field_info *field)
{
	if (is_access_rights(field->encoding))
		return ACCESS_RIGHTS;
	if (field->width == VMCS_W16)
		return BITS(15, 0);
	return field->width == VMCS_W32 ? BITS(31, 0) : ~0ULL;
}

static u64 read_field(u32 encoding)
{
	u64 value = ~0ULL;

	EXPECT_OUTCOME(vmx_try_vmread(encoding, &value), VMSUCCEED);
	return value;
}

/* All fields that take values, each with a value that its encoding and the seed give. */
static u64 value_for(const struct vmcs_field_info *field, u64 salt)
{
	u64 value = (field->encoding + 1) * 0x9e3779b97f4a7c15 ^ salt;

	return (value ^ value >> 29) & mask_of(field);
}

static void write_all(u64 salt)
{
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		if (exists(field) && is_writable(field))
			EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding, value_for(field, salt)),
				       VMSUCCEED);
	}
}

static void expect_all(u64 salt)
{
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		u64 got;

		if (!exists(field) || !is_writable(field))
			continue;
		got = read_field(field->encoding);
		if ((got & mask_of(field)) != value_for(field, salt))
			test_fail(__FILE__, __LINE__, "%s: expected 0x%llx got 0x%llx", field->name,
				  (unsigned long long)value_for(field, salt),
				  (unsigned long long)got);
	}
}

VMX_TEST(vmx_insn, fields_keep_what_is_written)
{
	/* Expect: each field that exists and may be written reads back as its width allows, with
	 * nothing above; written all, then read all, so that no two share a place. */
	begin();
	for (u64 round = 1; round <= 3; round++) {
		write_all(round);
		expect_all(round);
	}
	end();
}

VMX_TEST(vmx_insn, fields_truncate_to_their_width)
{
	/* Expect: ones written read back as ones of the width; then zero. */
	begin();
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		if (!exists(field) || !is_writable(field))
			continue;
		vmx_write((enum vmcs_field)field->encoding, ~0ULL);
		EXPECT_EQ(read_field(field->encoding) & mask_of(field), mask_of(field));
		if (field->width == VMCS_W16 || field->width == VMCS_W32)
			EXPECT_EQ(read_field(field->encoding) >>
					  (field->width == VMCS_W16 ? 16 : 32),
				  0);
		vmx_write((enum vmcs_field)field->encoding, 0);
		EXPECT_EQ(read_field(field->encoding), 0);
	}
	end();
}

VMX_TEST(vmx_insn, high_halves_are_the_upper_32_bits)
{
	/* Expect: of each 64-bit field, the odd encoding reads and writes bits 63:32 and leaves the
	 * rest; what it writes is truncated to 32 bits. */
	begin();
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		u64 first = random(), second = random();

		if (field->width != VMCS_W64 || !exists(field) || !is_writable(field))
			continue;
		vmx_write((enum vmcs_field)field->encoding, first);
		EXPECT_EQ(read_field(field->encoding | VMCS_ENCODING_HIGH), first >> 32);
		EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding | VMCS_ENCODING_HIGH, second),
			       VMSUCCEED);
		EXPECT_EQ(read_field(field->encoding), second << 32 | (first & BITS(31, 0)));
	}
	end();
}

VMX_TEST(vmx_insn, fields_of_controls_that_are_not_offered_do_not_exist)
{
	/* Expect: error 12 from VMREAD and VMWRITE, for both halves. */
	begin();
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		u64 value = 0;

		if (exists(field))
			continue;
		for (u32 half = 0; half < 2; half++) {
			EXPECT_OUTCOME(vmx_try_vmread(field->encoding | half, &value), UNSUPPORTED);
			EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding | half, 0), UNSUPPORTED);
		}
	}
	end();
}

VMX_TEST(vmx_insn, other_encodings_name_no_field)
{
	/* Expect: error 12 for every encoding of 15 bits that the table of fields has not; so the
	 * odd ones of all widths but 64 bits, and bit 12. */
	u64 value = 0;

	begin();
	for (u32 encoding = 0; encoding < ENCODINGS; encoding++) {
		if (!vmcs_field_find(encoding))
			EXPECT_OUTCOME(vmx_try_vmread(encoding, &value), UNSUPPORTED);
	}
	end();
}

VMX_TEST(vmx_insn, encodings_with_reserved_bits_name_no_field)
{
	/* Expect: error 12 for a field's encoding with bit 12, or any of bits 63:15. */
	u64 value = 0;

	begin();
	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP | RESERVED_BIT_12, &value), UNSUPPORTED);
	EXPECT_OUTCOME(vmx_try_vmwrite(VMCS_GUEST_RIP | RESERVED_BIT_12, 0), UNSUPPORTED);
	for (u32 bit = 15; bit < 64; bit++) {
		EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP | BIT(bit), &value), UNSUPPORTED);
		EXPECT_OUTCOME(vmx_try_vmwrite(VMCS_GUEST_RIP | BIT(bit), 0), UNSUPPORTED);
	}
	end();
}

VMX_TEST(vmx_insn, failed_vmread_leaves_the_register)
{
	/* Expect: a destination register is as before after VMfailValid and VMfailInvalid. */
	u64 value = 0x1122334455667788;

	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP, &value), VMFAIL_INVALID);
	EXPECT_EQ(value, 0x1122334455667788);
	begin();
	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP | RESERVED_BIT_12, &value), UNSUPPORTED);
	EXPECT_EQ(value, 0x1122334455667788);
	end();
}

VMX_TEST(vmx_insn, exit_information_is_read_only_unless_misc_says_else)
{
	/* Expect: error 13 for each such field without IA32_VMX_MISC[29], else VMsucceed; error 12
	 * for one that does not exist. */
	begin();
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		if (field->kind != VMCS_EXIT_INFO || !exists(field))
			continue;
		EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding, 1),
			       is_writable(field) ? VMSUCCEED : READ_ONLY);
		if (field->width == VMCS_W64)
			EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding | VMCS_ENCODING_HIGH, 1),
				       is_writable(field) ? VMSUCCEED : READ_ONLY);
		else
			EXPECT_OUTCOME(vmx_try_vmwrite(field->encoding | VMCS_ENCODING_HIGH, 1),
				       UNSUPPORTED);
	}
	end();
}

VMX_TEST(vmx_insn, vmread_and_vmwrite_need_a_current_vmcs)
{
	/* Expect: VMfailInvalid, whatever the encoding; a memory operand that is not there is not
	 * touched. */
	u64 value = 0;

	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP, &value), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmwrite(VMCS_GUEST_RIP, 0), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmread(~0ULL, &value), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmwrite(~0ULL, 0), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, PAGING_TEST_VA, VMCS_GUEST_RIP, &value),
		       VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try(INSN_VMWRITE_MEM, PAGING_TEST_VA, VMCS_GUEST_RIP, &value),
		       VMFAIL_INVALID);
}

VMX_TEST(vmx_insn, memory_operands_are_64_bits)
{
	/* Expect: VMREAD of a 16-bit field stores 8 bytes and none beside them; VMWRITE reads 8. */
	u64 words[3] = { ~0ULL, ~0ULL, ~0ULL }, value = 0;

	begin();
	vmx_write(VMCS_GUEST_SEL_CS, 0x1234);
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, (u64)&words[1], VMCS_GUEST_SEL_CS, &value),
		       VMSUCCEED);
	EXPECT_EQ(words[0], ~0ULL);
	EXPECT_EQ(words[1], 0x1234);
	EXPECT_EQ(words[2], ~0ULL);
	words[1] = 0xfedcba9876543210;
	EXPECT_OUTCOME(vmx_try(INSN_VMWRITE_MEM, (u64)&words[1], VMCS_GUEST_RSP, &value),
		       VMSUCCEED);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RSP), 0xfedcba9876543210);
	end();
}

VMX_TEST(vmx_insn, vmread_checks_the_field_before_its_operand)
{
	/* Expect: error 12, not #PF; for a field that exists #PF, and VM-instruction error
	 * stays. */
	u64 value = 0;

	begin();
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, PAGING_TEST_VA, ENCODINGS, &value), UNSUPPORTED);
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, PAGING_TEST_VA, VMCS_GUEST_RIP, &value),
		       FAULT(VECTOR_PF, PF_WRITE));
	EXPECT_EQ(read_cr2(), PAGING_TEST_VA);
	EXPECT_EQ(vmx_read(VMCS_INSN_ERROR), VMX_ERROR_UNSUPPORTED_FIELD);
	end();
}

VMX_TEST(vmx_insn, vmwrite_reads_its_operand_before_it_checks_the_field)
{
	/* Expect: #PF for any field: without memory there is no value. */
	u64 value = 0;

	begin();
	vmx_write(VMCS_GUEST_RIP, 0x1234);
	EXPECT_OUTCOME(vmx_try(INSN_VMWRITE_MEM, PAGING_TEST_VA, ENCODINGS, &value),
		       FAULT(VECTOR_PF, 0));
	EXPECT_OUTCOME(vmx_try(INSN_VMWRITE_MEM, PAGING_TEST_VA, VMCS_GUEST_RIP, &value),
		       FAULT(VECTOR_PF, 0));
	EXPECT_EQ(read_cr2(), PAGING_TEST_VA);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RIP), 0x1234);
	end();
}

VMX_TEST(vmx_insn, fields_survive_vmclear_and_vmptrld)
{
	/* Expect: all values are there after VMCLEAR, another VMCS, and VMPTRLD. */
	u64 other = vmx_region_alloc();

	begin();
	write_all(7);
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(other), VMSUCCEED);
	write_all(8);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
	expect_all(7);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	memory_page_free(other);
	end();
}

VMX_TEST(vmx_insn, two_vmcss_hold_their_own_values)
{
	/* Expect: with neither cleared, VMPTRLD to and fro finds each one's values. */
	u64 other = vmx_region_alloc();

	begin();
	write_all(9);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(other), VMSUCCEED);
	write_all(10);
	for (u32 round = 0; round < 2; round++) {
		EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
		expect_all(9);
		EXPECT_OUTCOME(vmx_try_vmptrld(other), VMSUCCEED);
		expect_all(10);
	}
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	memory_page_free(other);
	end();
}

VMX_TEST(vmx_insn, many_vmcss_hold_their_own_values)
{
	/* Expect: more of them than a hypervisor below may keep at hand, none cleared: each has its
	 * values when it is loaded again. */
	static u64 regions[140];

	begin();
	for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
		regions[i] = vmx_region_alloc();
		EXPECT_OUTCOME(vmx_try_vmclear(regions[i]), VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_vmptrld(regions[i]), VMSUCCEED);
		write_all(100 + i);
	}
	for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
		EXPECT_OUTCOME(vmx_try_vmptrld(regions[i]), VMSUCCEED);
		expect_all(100 + i);
		EXPECT_OUTCOME(vmx_try_vmclear(regions[i]), VMSUCCEED);
		memory_page_free(regions[i]);
	}
	end();
}

VMX_TEST(vmx_insn, a_cleared_vmcs_can_be_copied)
{
	/* Expect: what VMCLEAR left in memory, copied to another page, loads there with the same
	 * values. */
	u64 copy = memory_page_alloc();

	begin();
	write_all(11);
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		((volatile u64 *)copy)[i] = ((volatile u64 *)vmcs)[i];
	EXPECT_OUTCOME(vmx_try_vmclear(copy), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(copy), VMSUCCEED);
	expect_all(11);
	EXPECT_OUTCOME(vmx_try_vmclear(copy), VMSUCCEED);
	memory_page_free(copy);
	end();
}

VMX_TEST(vmx_insn, vmxoff_leaves_fields_in_memory)
{
	/* Expect: a VMCS that was not cleared before VMXOFF has its values after VMXON. */
	u64 region = vmx_vmxon_region();

	if (!nestor_is_present())
		SKIP("Nestor's promise: a CPU may lose them");
	begin();
	write_all(12);
	EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmxon(region), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
	expect_all(12);
	end();
}

VMX_TEST(vmx_insn, vmcs_enum_tells_the_highest_index)
{
	/* Expect: IA32_VMX_VMCS_ENUM[9:1] is the highest index of a field that VMREAD takes. */
	u32 highest = 0, told = (u32)rdmsr(MSR_IA32_VMX_VMCS_ENUM) >> 1 & 0x1ff;
	u64 value = 0;

	begin();
	for (u32 encoding = 0; encoding < ENCODINGS; encoding++)
		if (vmx_try_vmread(encoding, &value) == VMSUCCEED)
			highest = MAX(highest, (u32)VMCS_ENCODING_INDEX(encoding));
	end();
	if (machine_is_bochs() && told != highest)
		SKIP("Bochs 2.7 has one VMCS_ENUM for all models, beyond their highest index");
	EXPECT_EQ(told, highest);
}
