/* SPDX-License-Identifier: MIT */
/* Entries by the number of their table: the root, then a table for each 512 GiB, each of which has
 * leaves of 1 GiB, or leads to tables of leaves of 2 MiB where the CPU has no larger ones. */
#include "vmx/nested/identity_ept.h"
#include "mm/ept_entry.h"
#include "mm/mtrr.h"

#define RIGHTS           (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define TYPE_WB          ((u64)MEMORY_WB << EPT_TYPE_SHIFT)
#define EPTP_4_LEVELS    (3u << 3)
#define EPT_ADDRESS_BITS 52u  /* at most: then the tables lie in L1's upper half */
#define TABLES_1         512u /* at most of the second level */
#define FIRST_OF_2M      (1u + TABLES_1)

static u64 base_of(const struct vmx_caps *caps)
{
	return BIT(caps->physical_bits - 1);
}

void identity_ept_caps(struct vmx_caps *caps, const struct vmx_caps *l1)
{
	*caps = *l1;
	caps->physical_bits = MIN(l1->physical_bits + 1, EPT_ADDRESS_BITS);
}

u64 identity_eptp(const struct vmx_caps *caps)
{
	return base_of(caps) | EPTP_4_LEVELS | MEMORY_WB;
}

bool identity_ept_has_table(const struct vmx_caps *caps, l1_gfn_t gfn)
{
	return l1_gfn_to_l1_gpa(gfn).raw >= base_of(caps);
}

static u64 table(const struct vmx_caps *caps, u64 number)
{
	return (base_of(caps) + number * PAGE_SIZE) | RIGHTS;
}

u64 identity_ept_entry(const struct vmx_caps *caps, l1_gpa_t at)
{
	u64 offset = at.raw - base_of(caps);
	u64 number = offset / PAGE_SIZE, index = offset % PAGE_SIZE / sizeof(u64);
	u64 leaf = RIGHTS | TYPE_WB | EPT_LEAF;

	if (number == 0)
		return table(caps, 1 + index);
	if (number >= FIRST_OF_2M)
		return ((number - FIRST_OF_2M) << 30 | index << 21) | leaf;
	if (caps->ept_vpid & EPT_CAP_MASK(PAGE_1G))
		return ((number - 1) << 39 | index << 30) | leaf;
	return table(caps, FIRST_OF_2M + (number - 1) * 512 + index);
}
