/* SPDX-License-Identifier: MIT */
/* What the CPUs logged goes to the dirty logs. */
#include "mm/pml.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "mm/dirty_log.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

_Static_assert(PML_ENTRIES * sizeof(u64) == PAGE_SIZE, "a buffer is a page");

void pml_enable(struct vm_memory *memory)
{
	memory->pml.is_on = true;
}

int pml_attach(struct vm_memory *memory, struct pml_buffer *buffer)
{
	buffer->entries = page_alloc(0);
	if (!buffer->entries)
		return -ENOMEM;
	for (u32 i = 0; i < PML_ENTRIES; i++)
		buffer->entries[i] = PML_NONE;
	buffer->at = PML_ENTRIES - 1;
	vm_memory_lock(memory);
	buffer->next = memory->pml.buffers;
	memory->pml.buffers = buffer;
	vm_memory_unlock(memory);
	return 0;
}

/* Bochs 2.7 logs the whole address, the SDM has its low bits at 0. */
static bool read_entry(struct pml_buffer *buffer, u64 *gfn)
{
	u64 *entry, gpa;

	if (buffer->at >= PML_ENTRIES)
		return false;
	entry = &buffer->entries[buffer->at];
	gpa = __atomic_load_n(entry, __ATOMIC_ACQUIRE); /* pairs with the CPU's store */
	if (gpa == PML_NONE)
		return false;
	__atomic_store_n(entry, PML_NONE, __ATOMIC_RELAXED);
	buffer->at--; /* from 0 on to none */
	*gfn = gpa >> PAGE_SHIFT;
	return true;
}

static void drain(struct vm_memory *memory, struct pml_buffer *buffer)
{
	u64 gfn;

	while (read_entry(buffer, &gfn)) {
		counter_inc(CTR_PML_PAGES);
		dirty_log_tell(memory, gfn);
	}
}

void pml_drain(struct vm_memory *memory)
{
	for (struct pml_buffer *buffer = memory->pml.buffers; buffer; buffer = buffer->next)
		drain(memory, buffer);
}

void pml_restart(struct vm_memory *memory, struct pml_buffer *buffer)
{
	vm_memory_lock(memory);
	drain(memory, buffer);
	ASSERT(buffer->at >= PML_ENTRIES); /* the CPU has filled it */
	buffer->at = PML_ENTRIES - 1;
	vm_memory_unlock(memory);
}

bool pml_give_up(struct vm_memory *memory)
{
	bool is_first;

	vm_memory_lock(memory);
	is_first = !memory->pml.gave_up;
	memory->pml.gave_up = true;
	if (memory->pml.is_on)
		dirty_log_mark_all(memory);
	memory->pml.is_on = false;
	vm_memory_unlock(memory);
	return is_first;
}
