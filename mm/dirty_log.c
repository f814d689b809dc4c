/* SPDX-License-Identifier: MIT */
/* Logs come, go and move with their regions; pages are marked; a log is taken. */
#include "mm/dirty_log.h"
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/change.h"
#include "mm/frame_pool.h"
#include "mm/page.h"
#include "mm/pfn_state.h"
#include "mm/pml.h"
#include "mm/vm_memory.h"

_Static_assert(sizeof(struct dirty_log) <= OBJECT_BYTES, "a log fits an object");

#define PAGES_KEPT_BACK 256u /* of the host pool, for tables */

static u64 words_of(u64 pages)
{
	return ALIGN_UP(pages, 64) / 64;
}

static unsigned int order_of(u64 pages)
{
	return page_order(2 * words_of(pages) * sizeof(u64));
}

static const struct dirty_log *find(const struct vm_memory *memory, u64 gfn)
{
	return (const struct dirty_log *)range_tree_find(memory->logs, gfn);
}

static void enter(struct vm_memory *memory, const struct memslot_info *region, u64 *bits)
{
	struct range_edit edit;
	struct range_node *node;

	range_edit_begin(&edit, memory->logs, &memory->objects);
	node = range_edit_new(&edit);
	ASSERT(node);
	node->first = region->gfn.raw;
	node->pages = region->pages;
	CONTAINER_OF(node, struct dirty_log, node)->bits = bits;
	range_edit_insert(&edit, node);
	range_edit_publish(&edit, &memory->logs, &memory->retired, vm_memory_free_node);
}

/* The bits stay the caller's. */
static u64 *leave(struct vm_memory *memory, const struct memslot_info *region)
{
	u64 *bits = find(memory, region->gfn.raw)->bits;
	struct range_edit edit;

	range_edit_begin(&edit, memory->logs, &memory->objects);
	range_edit_remove(&edit, region->gfn.raw);
	range_edit_publish(&edit, &memory->logs, &memory->retired, vm_memory_free_node);
	return bits;
}

static u64 *alloc_bits(u64 pages)
{
	unsigned int order = order_of(pages);

	if (order > FRAME_ORDER_MAX || page_free_count() < PAGES_KEPT_BACK + BIT(order))
		return NULL;
	return page_alloc(order);
}

static bool logs(const struct memslot_info *region)
{
	return region && (region->flags & MEMSLOT_LOG_DIRTY);
}

int dirty_log_alter(struct vm_memory *memory, const struct memslot_info *from,
		    const struct memslot_info *to)
{
	u64 *bits = NULL;

	if (logs(to) && !logs(from)) { /* one node more: the reserve stays */
		/* What was logged of what was here before is not its. */
		pml_drain(memory);
		if (object_pool_reserve(&memory->objects, 2 * VM_MEMORY_RESERVE))
			return -ENOMEM;
		bits = alloc_bits(to->pages);
		if (!bits)
			return -ENOMEM;
	}
	if (logs(from))
		bits = leave(memory, from);
	if (logs(to))
		enter(memory, to, bits);
	else if (bits)
		page_free(bits, order_of(from->pages));
	return 0;
}

static u64 bit_of(const struct dirty_log *log, u64 gfn, u64 **word)
{
	u64 at = gfn - log->node.first;

	*word = &log->bits[at / 64];
	return BIT(at % 64);
}

void dirty_log_mark(struct vm_memory *memory, u64 gfn)
{
	const struct dirty_log *log = find(memory, gfn);
	u64 *word, bit;

	ASSERT(log);
	bit = bit_of(log, gfn, &word);
	counter_add(CTR_PAGES_DIRTIED, !(*word & bit));
	*word |= bit;
}

void dirty_log_mark_all(struct vm_memory *memory)
{
	for (u32 i = 0; i < range_tree_count(memory->logs); i++) {
		const struct dirty_log *log =
			(const struct dirty_log *)range_tree_nth(memory->logs, i);
		u64 words = words_of(log->node.pages), beyond = words * 64 - log->node.pages;

		memset(log->bits, 0xff, words * sizeof(u64));
		log->bits[words - 1] >>= beyond;
	}
}

bool dirty_log_has(const struct vm_memory *memory, u64 gfn)
{
	const struct dirty_log *log = find(memory, gfn);
	u64 *word, bit;

	ASSERT(log);
	bit = bit_of(log, gfn, &word);
	return *word & bit;
}

/* --- taking a log --- */
struct taking {
	struct vm_memory *memory;
	struct change change;
	u64 gfn, pages;
	u64 *bits;  /* the log's */
	u64 *taken; /* as many words */
};

void dirty_log_tell(struct vm_memory *memory, u64 gfn)
{
	const struct taking *taking = memory->taking;
	u64 at;

	if (!find(memory, gfn))
		return;
	dirty_log_mark(memory, gfn);
	at = taking ? gfn - taking->gfn : 0;
	if (taking && at < taking->pages)
		taking->taken[at / 64] |= BIT(at % 64);
}

/* A VMCS that has the page's frame writes to it whenever it likes. */
static bool mark_used(struct pfn_cache *cache, void *context)
{
	struct taking *taking = context;

	if (cache->user && (pfn_state(cache) & PFN_CACHE_VALID))
		dirty_log_mark(taking->memory, cache->gpa.raw >> PAGE_SHIFT);
	return true;
}

/* Lock held. What was dirty is taken, and clean from now on. */
static void take(struct taking *taking)
{
	const struct gfn_range range = { taking->gfn, taking->pages };

	for (u64 i = 0; i < words_of(taking->pages); i++) {
		taking->taken[i] = taking->bits[i];
		taking->bits[i] = 0;
		for (u64 left = taking->taken[i]; left; left &= left - 1)
			change_protect(&taking->change,
				       taking->gfn + i * 64 + (u64)__builtin_ctzll(left));
	}
	pfn_index_each(&taking->memory->caches, range, mark_used, taking);
}

static enum memslot_result begin_locked(struct taking *taking, struct dirty_buffer *buffer)
{
	struct vm_memory *memory = taking->memory;
	const struct range_node *region = range_tree_find(memory->regions, taking->gfn);
	const struct dirty_log *log = find(memory, taking->gfn);

	if (!region || region->first != taking->gfn)
		return MEMSLOT_MISSING;
	if (!log)
		return MEMSLOT_LOGS_NOTHING;
	if (buffer->bytes < words_of(region->pages) * sizeof(u64))
		return MEMSLOT_TOO_LARGE;
	taking->pages = region->pages;
	taking->bits = log->bits;
	taking->taken = log->bits + words_of(region->pages);
	memory->exclusive = true;
	pml_drain(memory);
	change_begin(&taking->change, memory, 0, 0);
	taking->change.flush = memory->pml.is_on;
	take(taking);
	memory->taking = taking;
	return MEMSLOT_OK;
}

/* After the kick: what CPUs logged until then is told. How many pages are. */
static u64 end(struct taking *taking)
{
	u64 dirty = 0;

	vm_memory_lock(taking->memory);
	pml_drain(taking->memory);
	taking->memory->taking = NULL;
	vm_memory_unlock(taking->memory);
	for (u64 i = 0; i < words_of(taking->pages); i++)
		for (u64 left = taking->taken[i]; left; left &= left - 1)
			dirty++;
	return dirty;
}

/* Where the caller could not have what was taken, it is dirty still. */
static void finish(struct taking *taking, bool is_lost)
{
	vm_memory_lock(taking->memory);
	for (u64 i = 0; is_lost && i < words_of(taking->pages); i++)
		taking->bits[i] |= taking->taken[i];
	taking->memory->exclusive = false;
	vm_memory_unlock(taking->memory);
}

enum memslot_result memslot_take_dirty(struct vm_memory *memory, l1_gfn_t gfn,
				       struct dirty_buffer *buffer)
{
	struct taking taking = { .memory = memory, .gfn = gfn.raw };
	enum memslot_result result;
	int error;

	vm_memory_lock_to_update(memory);
	result = begin_locked(&taking, buffer);
	vm_memory_unlock(memory);
	if (result != MEMSLOT_OK)
		return result;
	change_end(&taking.change);
	buffer->dirty = end(&taking);
	error = guest_write(memory, buffer->at, taking.taken, words_of(taking.pages) * sizeof(u64));
	finish(&taking, error);
	return error ? MEMSLOT_NO_BUFFER : MEMSLOT_OK;
}
