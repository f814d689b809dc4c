/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from L1's memory, page by page through a transient window. Each page's look-up and
 * copy are one reader section: a deletion frees frames only after a grace period, so the page
 * cannot go away meanwhile. Writes to protected pages: see mm/ept01_protect.h. A page that is being
 * migrated is waited for: who migrates waits for no lock that may be held here.
 */
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/ept01_protect.h"
#include "mm/vm_memory.h"
#include "mm/window.h"

struct transfer { /* one of the four, or none: zeros into the guest */
	char *dst;
	const char *src;
	u8 bits;       /* to set in one byte */
	u64 *expected; /* in a u64 that becomes desired */
	u64 desired;
	bool is_closed; /* the page at hand does not take writes */
	bool is_locked; /* the memory's lock is held */
};

static void transfer_bytes(struct transfer *transfer, char *guest, size_t bytes)
{
	if (transfer->dst) {
		memcpy(transfer->dst, guest, bytes);
		transfer->dst += bytes;
	} else if (transfer->src) {
		memcpy(guest, transfer->src, bytes);
		transfer->src += bytes;
	} else if (transfer->bits) {
		__atomic_fetch_or((u8 *)guest, transfer->bits, __ATOMIC_SEQ_CST);
	} else if (transfer->expected) {
		__atomic_compare_exchange_n((u64 *)(void *)guest, transfer->expected,
					    transfer->desired, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
	} else {
		memset(guest, 0, bytes);
	}
}

/* In a reader section, or under the lock. -EACCES: a write to a closed page, or without the lock to
 * one that is logged; -EAGAIN: later. */
static int try_page(struct vm_memory *memory, l1_gpa_t gpa, struct transfer *transfer, size_t bytes)
{
	enum window_access access = transfer->dst ? WINDOW_READ : WINDOW_WRITE;
	u64 gfn = l1_gpa_to_l1_gfn(gpa).raw;
	struct backing backing;
	int rc = vm_memory_find(memory, gfn, &backing);
	char *page;

	if (rc)
		return rc == -EAGAIN ? rc : -EFAULT;
	if (access == WINDOW_WRITE && (backing.flags & MEMSLOT_READONLY))
		return -EFAULT;
	if (access == WINDOW_WRITE && transfer->is_closed)
		return -EACCES;
	if (access == WINDOW_WRITE && (backing.flags & MEMSLOT_LOG_DIRTY)) {
		if (!transfer->is_locked)
			return -EACCES;
		dirty_log_mark(memory, gfn);
	}
	page = window_map(backing_pfn(&backing, gfn), access);
	transfer_bytes(transfer, page + gpa.raw % PAGE_SIZE, bytes);
	window_unmap(page);
	return 0;
}

/* A write where the page may be protected, or is logged: neither changes under the lock. */
static int write_protected_page(struct vm_memory *memory, l1_gpa_t gpa, struct transfer *transfer,
				size_t bytes)
{
	l1_gfn_t gfn = l1_gpa_to_l1_gfn(gpa);

	for (;;) {
		int rc;

		vm_memory_lock(memory);
		transfer->is_closed = ept01_is_protected(memory, gfn);
		transfer->is_locked = true;
		rc = try_page(memory, gpa, transfer, bytes);
		transfer->is_locked = false;
		vm_memory_unlock(memory);
		if (rc != -EACCES)
			return rc;
		change_page_written(memory, gfn);
	}
}

static int write_or_read_page(struct vm_memory *memory, l1_gpa_t gpa, struct transfer *transfer,
			      size_t bytes)
{
	int rc;

	epoch_read_begin();
	transfer->is_closed = ept01_may_be_protected(memory, l1_gpa_to_l1_gfn(gpa));
	rc = try_page(memory, gpa, transfer, bytes);
	epoch_read_end();
	return rc == -EACCES ? write_protected_page(memory, gpa, transfer, bytes) : rc;
}

/* The part of the transfer that lies in one page. */
static int transfer_page(struct vm_memory *memory, l1_gpa_t gpa, struct transfer *transfer,
			 size_t bytes)
{
	int rc;

	while ((rc = write_or_read_page(memory, gpa, transfer, bytes)) == -EAGAIN)
		cpu_pause();
	return rc;
}

static int transfer_all(struct vm_memory *memory, l1_gpa_t gpa, struct transfer transfer,
			size_t bytes)
{
	while (bytes) {
		size_t part = MIN(bytes, PAGE_SIZE - gpa.raw % PAGE_SIZE);
		int rc = transfer_page(memory, gpa, &transfer, part);

		if (rc)
			return rc;
		gpa = l1_gpa_add(gpa, part);
		bytes -= part;
	}
	return 0;
}

int guest_read(struct vm_memory *memory, l1_gpa_t gpa, void *dst, size_t bytes)
{
	return transfer_all(memory, gpa, (struct transfer){ .dst = dst }, bytes);
}

int guest_write(struct vm_memory *memory, l1_gpa_t gpa, const void *src, size_t bytes)
{
	return transfer_all(memory, gpa, (struct transfer){ .src = src }, bytes);
}

int guest_zero(struct vm_memory *memory, l1_gpa_t gpa, size_t bytes)
{
	return transfer_all(memory, gpa, (struct transfer){ 0 }, bytes);
}

int guest_or_byte(struct vm_memory *memory, l1_gpa_t gpa, u8 bits)
{
	return transfer_all(memory, gpa, (struct transfer){ .bits = bits }, 1);
}

int guest_cmpxchg(struct vm_memory *memory, l1_gpa_t gpa, u64 *expected, u64 desired)
{
	const struct transfer transfer = { .expected = expected, .desired = desired };

	ASSERT(IS_ALIGNED(gpa.raw, sizeof(u64)));
	return transfer_all(memory, gpa, transfer, sizeof(u64));
}
