/* SPDX-License-Identifier: MIT */
/*
 * Tests of the checks at VM entry. Each has an L2 that enters and runs VMCALLs, and changes one
 * field of its VMCS (or a few) to break one rule, or to stay just within it:
 *
 *     CHECK_TEST(msr_bitmap_is_a_page)
 *     {
 *             // Expect: ...
 *             EXPECT_REFUSED(BAD_CONTROLS, VMCS_MSR_BITMAP, bitmap | BIT(11));
 *             EXPECT_ENTERS(VMCS_MSR_BITMAP, bitmap);
 *     }
 *
 * After each the VMCS is as before, and is entered once more: a refusal must leave it usable.
 */
#ifndef TESTS_GUEST_LIB_VMX_CHECK_H
#define TESTS_GUEST_LIB_VMX_CHECK_H

#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

/* What became of an entry: the exit reason, or L2_VMFAIL; above, where an entry failed with an
 * exit, the qualification. */
#define ENTERS                      ((u64)EXIT_VMCALL)
#define BAD_CONTROLS                ((u64)(L2_VMFAIL | VMX_ERROR_ENTRY_CONTROLS))
#define BAD_HOST                    ((u64)(L2_VMFAIL | VMX_ERROR_ENTRY_HOST_STATE))
#define BAD_GUEST                   BAD_GUEST_AS(0)
#define BAD_MSR(nr)                 ENTRY_FAILURE(EXIT_ENTRY_MSR_LOAD, nr)

/* SDM "VM-Entry Failures During or After Loading Guest State": qualifications. */
#define BAD_GUEST_AS(qualification) ENTRY_FAILURE(EXIT_ENTRY_GUEST_STATE, qualification)
#define BAD_PDPTE                   BAD_GUEST_AS(2)
#define BAD_NMI                     BAD_GUEST_AS(3)
#define BAD_LINK                    BAD_GUEST_AS(4)
#define ENTRY_FAILURE(reason, qualification) \
	((u64)(qualification) << 32 | EXIT_REASON_ENTRY_FAILURE | (reason))

/* Set a field for the next entry only, or for the rest of the test. */
void check_set(enum vmcs_field field, u64 value);
void check_keep(enum vmcs_field field, u64 value);
void check_keep_bits(enum vmcs_field field, u64 set, u64 clear);
/* What the test keeps a field at. */
u64 check_base(enum vmcs_field field);

/* Enter with what was set, and look at the VMCS before what was set is put back. */
u64 check_enter(void);
void check_put_back(void);

/* Enter with what was set; expect this; put back what was set, and enter again. */
void check_entry(const char *file, int line, u64 want);
#define EXPECT_ENTRY(want_) check_entry(__FILE__, __LINE__, want_)

#define EXPECT_REFUSED(want_, field_, value_)  \
	do {                                   \
		check_set((field_), (value_)); \
		EXPECT_ENTRY(want_);           \
	} while (0)
#define EXPECT_ENTERS(field_, value_) EXPECT_REFUSED(ENTERS, field_, value_)

/* Turn secondary controls on for the rest of the test; true: they are all offered. */
bool check_use_cpu2(u32 controls);
/* EPT that maps the lowest 4 GiB one to one. */
bool check_use_ept(void);
/* L2 in 32-bit protected mode: under PAE paging, with the PDPTEs on the page whose address this
 * returns; or without paging, which needs an unrestricted guest (false: not offered). */
u64 check_to_pae(void);
bool check_to_flat(void);
/* In ring 3 of 64-bit mode; its code is on a page for users only while the test runs. */
void check_to_ring3(void);

#define NEEDS(condition_, what_)                    \
	do {                                        \
		if (!(condition_))                  \
			SKIP(what_ " not offered"); \
	} while (0)

/* A field that is a page's address, and has one: what is not aligned or too wide is refused. */
void check_page_address(enum vmcs_field field);
/* A field that is a PAT, and is loaded: in each of its eight, a type that is none gives this. */
void check_pat_types(enum vmcs_field field, u64 bad);

void check_begin(void);
void check_end(void);

#define CHECK_TEST(name_)                \
	static void check_##name_(void); \
	VMX_TEST(vmx_check, name_)       \
	{                                \
		check_begin();           \
		check_##name_();         \
		check_end();             \
	}                                \
	static void check_##name_(void)

#endif
