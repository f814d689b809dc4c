/* SPDX-License-Identifier: MIT */
/* VM entry's checks of segment registers in virtual-8086 mode. */
#include "hv/string.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"
#include "vmx/access_rights.h"

#define V86_CODE   0x8000u /* free on all machines that the tests of real mode run on */
#define V86_RIGHTS 0xf3u
#define V86_LIMIT  0xffffu
#define CODE_BYTES 5u

/* An L2 in virtual-8086 mode without paging, its code copied below 1 MiB; NULL, or what is
 * missing. */
static const char *go_to_v86(void)
{
	if (!memory_is_spare_page(V86_CODE))
		return "no free page at 8000h";
	if (!check_to_flat())
		return "unrestricted guest not offered";
	memcpy((void *)V86_CODE, (const void *)vmx_call_for_ever, CODE_BYTES);
	check_keep_bits(VMCS_GUEST_RFLAGS, RFLAGS_VM, 0);
	for (u32 i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		check_keep(VMCS_GUEST_SEL_ES + 2 * i, V86_CODE >> 4);
		check_keep(VMCS_GUEST_BASE_ES + 2 * i, V86_CODE);
		check_keep(VMCS_GUEST_LIMIT_ES + 2 * i, V86_LIMIT);
		check_keep(VMCS_GUEST_AR_ES + 2 * i, V86_RIGHTS);
	}
	check_keep(VMCS_GUEST_RIP, 0);
	check_keep(VMCS_GUEST_RSP, 0xff0);
	return NULL;
}

CHECK_TEST(v86_segments_are_at_16_times_their_selectors)
{
	/* Expect: a failure where a base is another; each may be any such pair but CS, which has
	 * the code. */
	const char *why = go_to_v86();

	if (why)
		SKIP(why);
	EXPECT_ENTRY(ENTERS);
	for (u32 i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_BASE_ES + 2 * i, V86_CODE + 16);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_SEL_ES + 2 * i, (V86_CODE >> 4) + 1);
		if (i == SEGMENT_CS)
			continue;
		check_set(VMCS_GUEST_SEL_ES + 2 * i, 0xffff);
		EXPECT_ENTERS(VMCS_GUEST_BASE_ES + 2 * i, 0xffff0);
	}
}

CHECK_TEST(v86_segments_have_64_kib)
{
	/* Expect: a failure for other limits. */
	const char *why = go_to_v86();

	if (why)
		SKIP(why);
	for (u32 i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_LIMIT_ES + 2 * i, 0xfffe);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_LIMIT_ES + 2 * i, 0x1ffff);
	}
}

CHECK_TEST(v86_segments_have_one_value_of_access_rights)
{
	/* Expect: a failure with any of the bits of F3h changed, or another set. */
	const char *why = go_to_v86();

	if (why)
		SKIP(why);
	for (u32 i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		for (u32 bit = 0; bit < 17; bit++) {
			if (bit < 8 || bit > 11)
				EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_AR_ES + 2 * i,
					       V86_RIGHTS ^ BIT(bit));
		}
	}
}
