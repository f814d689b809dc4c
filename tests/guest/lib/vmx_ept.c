/* SPDX-License-Identifier: MIT */
/* The making and editing of EPT tables for L2s. Who downgrades an entry invalidates it. */
#include "tests/guest/lib/vmx_ept.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"

#define DEVICES     (3 * GIB) /* from here on devices may be: uncached */
#define MAPPED_GIBS 4u

const char *ept_lacks(u64 capabilities)
{
	u64 wanted = capabilities | EPT_CAP_MASK(PAGE_2M);

	if (!control_is_offered(CONTROL_SET_CPU2, CPU2_ENABLE_EPT))
		return "no EPT";
	if ((rdmsr(MSR_IA32_VMX_EPT_VPID_CAP) & wanted) != wanted)
		return "EPT lacks what this needs";
	return NULL;
}

static u64 leaf_bits(u64 pa)
{
	return pa | EPT_RWX | (pa < DEVICES ? EPT_WB : 0);
}

/* The pages may have been tables of an earlier test, which the CPU may still have cached. */
static void forget_all(void)
{
	u64 capabilities = rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);

	if (capabilities & EPT_CAP_MASK(INVEPT_ALL))
		ept_invalidate(INVEPT_ALL, 0);
	if (capabilities & EPT_CAP_MASK(INVVPID_ALL))
		vpid_invalidate(INVVPID_ALL, 0, 0);
}

u64 ept_new(void)
{
	u64 *root = (u64 *)vmx_page(), *pdpt = (u64 *)vmx_page();

	root[0] = (u64)pdpt | EPT_RWX;
	for (u64 i = 0; i < MAPPED_GIBS; i++) {
		u64 *directory = (u64 *)vmx_page();

		pdpt[i] = (u64)directory | EPT_RWX;
		for (u64 j = 0; j < EPT_ENTRIES; j++)
			directory[j] = leaf_bits(i * GIB + j * 2 * MIB) | EPT_LEAF;
	}
	forget_all();
	return (u64)root | EPTP_FOUR_LEVELS | EPTP_WRITE_BACK;
}

void ept_use(u64 eptp)
{
	control_on(CONTROL_SET_CPU2, CPU2_ENABLE_EPT);
	vmx_write(VMCS_EPT_POINTER, eptp);
}

/* A table in place of a larger leaf that maps the same. */
static void split(u64 *entry, u32 level)
{
	u64 *table = (u64 *)vmx_page(), leaf = *entry & ~EPT_LEAF;

	for (u64 i = 0; i < EPT_ENTRIES; i++)
		table[i] = (leaf + i * ept_level_size(level - 1)) | (level > 2 ? EPT_LEAF : 0);
	*entry = (u64)table | EPT_RWX;
}

u64 *ept_entry(u64 eptp, u64 gpa, u32 level)
{
	u64 *table = (u64 *)(eptp & EPT_FRAME_MASK);

	for (u32 at = EPT_LEVEL_ROOT;; at--) {
		u64 *entry = &table[gpa / ept_level_size(at) % EPT_ENTRIES];

		if (at == level)
			return entry;
		if (!(*entry & EPT_RWX))
			*entry = vmx_page() | EPT_RWX;
		else if (at < EPT_LEVEL_ROOT && (*entry & EPT_LEAF))
			split(entry, at);
		table = (u64 *)(*entry & EPT_FRAME_MASK);
	}
}

void ept_map(u64 eptp, u64 gpa, u32 level, u64 entry)
{
	WRITE_ONCE(*ept_entry(eptp, gpa, level), entry | (level > 1 ? EPT_LEAF : 0));
}

struct l2 *l2_under_ept(const void *code, u64 *eptp)
{
	struct l2 *l2 = l2_new(code);

	*eptp = ept_new();
	ept_use(*eptp);
	return l2;
}

struct l2 *l2_with_alias(const void *code, u64 pa, u32 level)
{
	u64 eptp;
	struct l2 *l2 = l2_under_ept(code, &eptp);

	ept_map(eptp, EPT_ALIAS, level, pa | EPT_MEMORY);
	return l2;
}

struct l2 *l2_with_alias_table(const void *code, u64 table, u64 *eptp)
{
	struct l2 *l2 = l2_under_ept(code, eptp);

	*ept_entry(*eptp, EPT_ALIAS, EPT_LEVEL_2M) = table | EPT_RWX;
	return l2;
}

void ept_map_alias(u64 eptp, u64 pa, u64 bytes)
{
	for (u64 at = 0; at < bytes; at += PAGE_SIZE)
		ept_map(eptp, EPT_ALIAS + at, EPT_LEVEL_4K, (pa + at) | EPT_MEMORY);
}

bool ept_invalidate(enum invept_type type, u64 eptp)
{
	u64 descriptor[2] = { eptp, 0 };
	bool fails;

	__asm__ volatile("invept %1, %2"
			 : "=@ccbe"(fails)
			 : "m"(descriptor), "r"((u64)type)
			 : "memory");
	return !fails;
}

bool vpid_invalidate(enum invvpid_type type, u16 vpid, u64 address)
{
	u64 descriptor[2] = { vpid, address };
	bool fails;

	__asm__ volatile("invvpid %1, %2"
			 : "=@ccbe"(fails)
			 : "m"(descriptor), "r"((u64)type)
			 : "memory");
	return !fails;
}
