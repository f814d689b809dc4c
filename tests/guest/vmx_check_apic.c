/* SPDX-License-Identifier: MIT */
/* VM entry's checks of what virtualizes L2's local APIC (SDM "VM-Execution Control Fields"). */
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"

#define TPR 0x80u

CHECK_TEST(virtual_apic_address_is_a_page)
{
	/* Expect: error 7 for an address that is not aligned or beyond the width; it does not
	 * matter without the control. */
	u64 page = memory_page_alloc();

	NEEDS(vmx_allows(CONTROL_SET_CPU, CPU_TPR_SHADOW), "TPR shadow");
	EXPECT_ENTERS(VMCS_VIRTUAL_APIC_ADDR, ~0ULL);
	check_keep(VMCS_VIRTUAL_APIC_ADDR, page);
	check_keep_bits(VMCS_CPU_CONTROLS, CPU_TPR_SHADOW, 0);
	check_page_address(VMCS_VIRTUAL_APIC_ADDR);
	memory_page_free(page);
}

CHECK_TEST(tpr_threshold_has_four_bits)
{
	/* Expect: error 7 for each higher bit; it does not matter without the control. */
	u8 *page = (u8 *)memory_page_alloc();

	NEEDS(vmx_allows(CONTROL_SET_CPU, CPU_TPR_SHADOW), "TPR shadow");
	page[TPR] = 0xf0;
	EXPECT_ENTERS(VMCS_TPR_THRESHOLD, ~0u);
	check_keep(VMCS_VIRTUAL_APIC_ADDR, (u64)page);
	check_keep_bits(VMCS_CPU_CONTROLS, CPU_TPR_SHADOW, 0);
	EXPECT_ENTERS(VMCS_TPR_THRESHOLD, 15);
	for (u32 bit = 4; bit < 32; bit++)
		EXPECT_REFUSED(BAD_CONTROLS, VMCS_TPR_THRESHOLD, BIT(bit));
	memory_page_free((u64)page);
}

CHECK_TEST(apic_access_address_is_a_page)
{
	/* Expect: as of the virtual-APIC address. */
	u64 page = memory_page_alloc();

	NEEDS(check_use_cpu2(0) && vmx_allows(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES),
	      "virtualized APIC accesses");
	EXPECT_ENTERS(VMCS_APIC_ACCESS_ADDR, ~0ULL);
	check_keep(VMCS_APIC_ACCESS_ADDR, page);
	EXPECT(check_use_cpu2(CPU2_APIC_ACCESSES));
	check_page_address(VMCS_APIC_ACCESS_ADDR);
	memory_page_free(page);
}
