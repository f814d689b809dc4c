/* SPDX-License-Identifier: MIT */
/* The lists of MSRs of VM entries and exits, carried out as RDMSR and WRMSR of L1 would be. */
#include "vmx/msr_access.h"
#include "vmx/nested/msr_list.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"

static l1_gpa_t entry_at(l1_gpa_t list, u32 i)
{
	return l1_gpa_add(list, (u64)i * sizeof(struct msr_list_entry));
}

static bool load(struct vcpu *v, l1_gpa_t at)
{
	struct msr_list_entry entry;

	return !walk_cache_read(&v->walk, at, &entry, sizeof(entry)) &&
	       !msr_list_refusal(&entry, MSR_LIST_LOAD) && msr_write(v, entry.index, entry.data);
}

u32 msr_list_load(struct vcpu *v, l1_gpa_t list, u32 count)
{
	u32 most = VMX_MISC_MSR_LIST_MAX(v->vm->nested->caps.misc);

	for (u32 i = 0; i < count; i++)
		if (i >= most || !load(v, entry_at(list, i)))
			return i + 1;
	return 0;
}

static bool store(struct vcpu *v, l1_gpa_t at)
{
	struct msr_list_entry entry;

	if (walk_cache_read(&v->walk, at, &entry, sizeof(entry)) ||
	    msr_list_refusal(&entry, MSR_LIST_STORE) || !msr_read(v, entry.index, &entry.data))
		return false;
	return !walk_cache_write(&v->walk, l1_gpa_add(at, offsetof(struct msr_list_entry, data)),
				 &entry.data, sizeof(entry.data));
}

u32 msr_list_store(struct vcpu *v, l1_gpa_t list, u32 count)
{
	u32 most = VMX_MISC_MSR_LIST_MAX(v->vm->nested->caps.misc);

	for (u32 i = 0; i < count; i++)
		if (i >= most || !store(v, entry_at(list, i)))
			return i + 1;
	return 0;
}
