/* SPDX-License-Identifier: MIT */
/* Pools, guest RAM and windows of the host tests. */
#define _GNU_SOURCE
#include "host_memory.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/spinlock.h"
#include "hv/x86.h"
#include "mm/walker.h"
#include "mm/window.h"

#define SLOTS_MAX (WINDOW_CPUS_MAX * WINDOW_TRANSIENT + WINDOW_PERSISTENT)

static struct cpu cpus[WINDOW_CPUS_MAX];
static u32 cpus_made;
static u64 ptes[SLOTS_MAX];
static char *window_area;
static char *arena;
static int guest_ram = -1;

void (*host_store_watch)(u64 *entry, u64 old);
void (*host_lock_watch)(struct spinlock *lock);

char *walker_window_area(void)
{
	return window_area;
}

static void map_window(size_t slot)
{
	char *at = window_area + slot * PAGE_SIZE;
	u64 pte = ptes[slot];
	void *mapped;

	if (pte & BIT(0))
		mapped = mmap(at, PAGE_SIZE, PROT_READ | (pte & BIT(1) ? PROT_WRITE : 0),
			      MAP_SHARED | MAP_FIXED, guest_ram, (off_t)(pte & BITS(51, 12)));
	else
		mapped = mmap(at, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			      0);
	ASSERT(mapped == at);
}

void walker_store(u64 *entry, u64 value)
{
	u64 old = *entry;

	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	if (entry >= ptes && entry < ptes + SLOTS_MAX)
		map_window((size_t)(entry - ptes));
	if (host_store_watch)
		host_store_watch(entry, old);
}

struct cpu *cpu_get(u32 index)
{
	ASSERT(index < cpus_made);
	return &cpus[index];
}

u32 cpu_count(void)
{
	return cpus_made;
}

static void reset_machine(void)
{
	host_store_watch = NULL;
	host_lock_watch = NULL;
	host_x86_reset();
	memset(cpus, 0, sizeof(cpus));
	for (u32 i = 0; i < WINDOW_CPUS_MAX; i++) {
		cpus[i].self = &cpus[i];
		cpus[i].index = i;
	}
	host_run_on(0);
	memset(ptes, 0, sizeof(ptes));
	if (window_area)
		munmap(window_area, SLOTS_MAX * PAGE_SIZE);
	window_area = mmap(NULL, SLOTS_MAX * PAGE_SIZE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(window_area != MAP_FAILED);
	free(arena);
	if (guest_ram >= 0)
		close(guest_ram);
}

void host_memory_init(u64 host_bytes, const struct page_range *guest, unsigned int guest_count,
		      u32 count)
{
	u64 end = 0;

	reset_machine();
	arena = aligned_alloc(2 * MIB, host_bytes);
	guest_ram = memfd_create("guest RAM", 0);
	for (unsigned int i = 0; i < guest_count; i++)
		end = MAX(end, guest[i].base.raw + guest[i].bytes);
	ASSERT(arena && guest_ram >= 0 && ftruncate(guest_ram, (off_t)end) == 0);
	ASSERT(page_init((struct page_range){ hpa((u64)(uintptr_t)arena), host_bytes }, guest,
			 guest_count) == 0);
	cpus_made = count;
	window_init(ptes, count);
}

void host_memory_default(void)
{
	static const struct page_range guest[] = {
		{ { MIB }, 639 * MIB },
		{ { 4 * GIB }, 2 * GIB },
	};

	host_memory_init(16 * MIB, guest, ARRAY_SIZE(guest), 2);
}

void host_run_on(u32 cpu_index)
{
	host_cpu = &cpus[cpu_index];
}

u64 host_counter(u32 counter)
{
	return host_cpu->counters[counter];
}

void host_guest_ram_read(hpa_t at, void *dst, size_t bytes)
{
	ASSERT(pread(guest_ram, dst, bytes, (off_t)at.raw) == (ssize_t)bytes);
}

void host_guest_ram_write(hpa_t at, const void *src, size_t bytes)
{
	ASSERT(pwrite(guest_ram, src, bytes, (off_t)at.raw) == (ssize_t)bytes);
}
