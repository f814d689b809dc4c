/* SPDX-License-Identifier: MIT */
/*
 * An L1 with EPT12 tables in its memory, and CPUs that run its L2 under EPT02. A CPU's TLB keeps
 * what it walked until the CPU is told to flush, so an INVEPT that is not asked for shows.
 */
#ifndef EPT02_FIXTURE_H
#define EPT02_FIXTURE_H

#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "mm/ept01_protect.h"
#include "mm/mtrr.h"
#include "vmx/nested/ept02_impl.h"

#define L1_CAPS    0x063341c1ULL
#define RWX        7ULL
#define WB         (6ULL << 3)
#define LARGE      BIT(7)
#define PAGES      0x4000ULL /* of L1's memory: 64 MiB from 0, then a read-only page, then none */
#define TABLES_GFN 0x200ULL  /* L1's tables lie from here on */
#define AVOID      0x5000ULL
#define TLB        64u

struct tlb_entry {
	u64 eptp, gfn;
	struct ept_leaf leaf;
};

static struct vm_memory *memory;
static struct ept02 *pool;
static struct ept02_vcpu vcpus[2];
static struct mtrr_map types;
static struct ept_features features;
static struct vmx_caps l1;
static struct ept12 ept;
static u64 next_table;
static u32 kicks, protections;
static bool protected[PAGES + 1];
static struct tlb_entry tlbs[2][TLB];
static u64 *mirror[PAGES + 1];   /* what was written to L1's pages, to be read fast */
static u64 watched;              /* gfn that something else than EPT02 has protected */
static u64 alias_from, alias_to; /* root tables from here on are this one */

static inline void world_kick(void *context)
{
	(void)context;
	kicks++;
	assert_int_equal(memory->lock.next, memory->lock.serving);
}

static inline int world_protect(void *context, l1_gfn_t gfn)
{
	(void)context;
	if (gfn.raw > PAGES)
		return 0; /* not L1's memory */
	assert_true(!protected[gfn.raw]);
	protected[gfn.raw] = true;
	protections++;
	return ept01_protect(memory, gfn);
}

static inline void world_unprotect(void *context, l1_gfn_t gfn)
{
	(void)context;
	if (gfn.raw > PAGES)
		return;
	assert_true(protected[gfn.raw]);
	protected[gfn.raw] = false;
	protections--;
	ept01_unprotect(memory, gfn);
}

static inline void page_written(l1_gfn_t gfn)
{
	if (watched == gfn.raw) {
		vm_memory_lock(memory);
		ept01_unprotect(memory, gfn);
		vm_memory_unlock(memory);
		watched = 0;
	}
	(void)ept02_table_written(pool, gfn);
}

static inline void change_kick(u64 mask)
{
	(void)mask;
}

static inline u64 *mirror_of(u64 gpa)
{
	u64 **page = &mirror[gpa >> PAGE_SHIFT];

	if (!*page)
		*page = calloc(EPT_ENTRIES, sizeof(u64));
	return *page + gpa % PAGE_SIZE / sizeof(u64);
}

/* An entry of L1's tables. */
static inline int world_read(void *context, l1_gpa_t at, u64 *entry)
{
	(void)context;
	if (alias_from && at.raw >= alias_from)
		at.raw = alias_to + at.raw % PAGE_SIZE;
	if (at.raw >> PAGE_SHIFT > PAGES)
		return -EFAULT;
	*entry = *mirror_of(at.raw);
	return 0;
}

static inline void world_write(u64 at, u64 entry)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_find(memory, l1_gfn(at >> PAGE_SHIFT), &frame), 0);
	host_guest_ram_write(hpa_add(pfn_to_hpa(frame.pfn), at % PAGE_SIZE), &entry, 8);
	*mirror_of(at) = entry;
}

static inline int world_mark(void *context, l1_gpa_t at, u64 seen, u64 flags)
{
	u64 entry;

	if (world_read(context, at, &entry) || entry != seen)
		return -EBUSY;
	world_write(at.raw, entry | flags);
	return 0;
}

/* L1 writes to one of its tables: where it is protected, that exits first. */
static inline void l1_write(u64 at, u64 entry)
{
	if (protected[at >> PAGE_SHIFT])
		assert_true(ept02_table_written(pool, l1_gfn(at >> PAGE_SHIFT)));
	assert_false(protected[at >> PAGE_SHIFT]);
	world_write(at, entry);
}

/* A page of zeros. */
static inline u64 l1_table(void)
{
	static const u64 zeros[EPT_ENTRIES];
	u64 at = next_table++ << PAGE_SHIFT;
	struct memslot_frame frame;

	l1_write(at, 0);
	assert_int_equal(memslot_find(memory, l1_gfn(at >> PAGE_SHIFT), &frame), 0);
	host_guest_ram_write(pfn_to_hpa(frame.pfn), zeros, sizeof(zeros));
	memset(mirror_of(at), 0, PAGE_SIZE);
	return at;
}

/* Where the entry of this level for an L2 page stands in the tables of root; tables are made. */
static inline u64 l1_entry_at(u64 root, u64 gfn, u32 level)
{
	u64 table = root;

	for (u32 at = EPT_LEVEL_ROOT; at > level; at--) {
		u64 place = table + ept_index(gfn, at) * 8, entry = 0;

		(void)world_read(NULL, l1_gpa(place), &entry);
		if (!ept_is_table(entry, at) || (entry & EPT_FRAME_MASK) >= PAGES << PAGE_SHIFT) {
			entry = l1_table() | RWX;
			l1_write(place, entry);
		}
		table = entry & EPT_FRAME_MASK;
	}
	return table + ept_index(gfn, level) * 8;
}

static inline void l1_map(u64 root, u64 gfn, u64 to, u64 bits)
{
	u32 level = bits & LARGE ? EPT_LEVEL_2M : EPT_LEVEL_4K;

	l1_write(l1_entry_at(root, gfn, level), to << PAGE_SHIFT | bits);
}

/* The CPU has 2M leaves from now on, or not: as after a change of L1's memory. */
static inline void set_leaf_2m(bool has)
{
	features.leaf_2m = has;
	ept01_set_features(&features, &types);
	memory->seq++;
}

static inline int world_create(u32 order, u32 roots)
{
	static const struct change_ops change_ops = { .kick_and_wait = change_kick,
						      .page_written = page_written };
	static const struct ept02_ops ops = { world_protect, world_unprotect, world_kick, NULL };
	struct ept02_config config = { .order = order, .roots = roots, .singles = 4, .ops = &ops };

	host_memory_default();
	types = (struct mtrr_map){ .def_type = MTRR_DEF_ENABLED | MEMORY_WB, .maxphyaddr = 40 };
	features = (struct ept_features){ true, true, true, true };
	ept01_set_features(&features, &types);
	change_set_ops(&change_ops);
	memory = vm_memory_create(l1_gfn(BIT(24)));
	assert_int_equal(ept01_protect_create(memory, 1024), 0);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(0), PAGES, 0), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PAGES), 1, MEMSLOT_READONLY), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(AVOID), 1, 0), MEMSLOT_OK);
	l1 = (struct vmx_caps){ .ept_vpid = L1_CAPS, .physical_bits = 40 };
	ept = (struct ept12){ .l1 = &l1, .read = world_read, .mark = world_mark };
	next_table = TABLES_GFN;
	kicks = protections = 0;
	for (u32 i = 0; i < ARRAY_SIZE(vcpus); i++)
		vcpus[i] = (struct ept02_vcpu){ .index = i };
	memset(protected, 0, sizeof(protected));
	memset(tlbs, 0, sizeof(tlbs));
	for (u32 i = 0; i <= PAGES; i++)
		if (mirror[i])
			memset(mirror[i], 0, PAGE_SIZE);
	alias_from = 0;
	watched = 0;
	config.memory = memory;
	config.avoid = l1_gfn(AVOID);
	pool = ept02_create(&config);
	return pool ? 0 : -1;
}

/* What hardware finds in EPT02. */
static inline bool walk02(const struct ept02_root *root, u64 gfn, struct ept_leaf *leaf)
{
	const u64 *table = page_from_hpa(hpa(ept02_pointer(root) & EPT_FRAME_MASK));

	for (u32 level = EPT_LEVEL_ROOT; level > 0; level--) {
		u64 entry = table[ept_index(gfn, level)];

		if (!ept_is_present(entry))
			return false;
		if (ept_is_leaf(entry, level)) {
			u64 inside = gfn % ept_level_pages(level);

			*leaf = (struct ept_leaf){ level, pfn_add(ept_entry_pfn(entry), inside),
						   entry & ~EPT_FRAME_MASK & ~EPT_LEAF };
			return true;
		}
		table = page_from_hpa(pfn_to_hpa(ept_entry_pfn(entry)));
	}
	return false;
}

static inline struct tlb_entry *tlb_of(u32 cpu, struct ept02_root *root, u64 gfn)
{
	struct tlb_entry *entry = &tlbs[cpu][gfn % TLB];

	if (ept02_flush_owed(root, cpu))
		for (u32 i = 0; i < TLB; i++)
			if (tlbs[cpu][i].eptp == ept02_pointer(root))
				tlbs[cpu][i].eptp = 0;
	return entry;
}

/* L1 enters L2 with the root. */
static inline void enter_on(u32 cpu, struct ept02_root *root)
{
	vm_memory_lock(memory);
	ept02_catch_up(pool, root, &vcpus[cpu]);
}

/* INVEPT on the CPU that the test runs on, of all if eptp is 0; and an entry with each root. */
static inline void invept_and_enter(u64 eptp)
{
	u32 cpu = this_cpu()->index;

	if (eptp)
		ept02_invept_single(&vcpus[cpu], eptp);
	else
		ept02_invept_all(&vcpus[cpu]);
	for (u32 i = 0; i < pool->root_count; i++)
		if (pool->roots[i].key)
			enter_on(cpu, &pool->roots[i]);
}

static inline bool translates(u32 cpu, struct ept02_root *root, u64 gfn, u64 rights)
{
	struct tlb_entry *entry = tlb_of(cpu, root, gfn);

	if (entry->eptp != ept02_pointer(root) || entry->gfn != gfn ||
	    (rights & ~entry->leaf.bits)) {
		/* An EPT violation takes the entry away. */
		*entry = (struct tlb_entry){ 0 };
		if (!walk02(root, gfn, &entry->leaf) || (rights & ~entry->leaf.bits))
			return false;
		entry->eptp = ept02_pointer(root);
		entry->gfn = gfn;
	}
	return true;
}

static struct ept02_fault last_fault;

/* L2 on a CPU accesses a page: EPT02_MAPPED, and where it came out; else what stopped it. */
static inline enum ept02_result touch_on(u32 cpu, struct ept02_root *root, u64 gfn, u64 rights)
{
	enum ept02_result result = EPT02_MAPPED;

	ept.eptp = root->key | EPTP_WRITE_BACK;
	enter_on(cpu, root);
	for (u32 tries = 0; !translates(cpu, root, gfn, rights); tries++) {
		assert_true(tries < 100);
		last_fault = (struct ept02_fault){ .access = {
							   .gpa = l2_gpa(gfn << PAGE_SHIFT),
							   .read = rights & EPT_READ,
							   .write = rights & EPT_WRITE,
							   .fetch = rights & EPT_EXECUTE,
						   } };
		result = ept02_fault(pool, root, &ept, &last_fault);
		if (result != EPT02_MAPPED && result != EPT02_BUSY)
			return result;
	}
	return EPT02_MAPPED;
}

static inline enum ept02_result touch(struct ept02_root *root, u64 gfn, u64 rights)
{
	return touch_on(0, root, gfn, rights);
}

static inline u64 pfn_of_l1(u64 gfn)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_find(memory, l1_gfn(gfn), &frame), 0);
	return frame.pfn.raw;
}

/* L2's page must be mapped to the frame behind L1's. */
static inline void expect_at(struct ept02_root *root, u64 gfn, u64 to)
{
	struct ept_leaf leaf = { 0 };

	assert_true(walk02(root, gfn, &leaf));
	assert_int_equal(leaf.pfn.raw, pfn_of_l1(to));
}

static inline bool is_mapped(const struct ept02_root *root, u64 gfn)
{
	struct ept_leaf leaf = { 0 };

	return walk02(root, gfn, &leaf);
}

/* A change of L1's memory, of which only EPT02's part is looked at. */
static inline bool zap(u64 gfn, u64 pages)
{
	struct ept02_zapped zapped = { 0 };
	bool flush;

	vm_memory_lock(memory);
	ept02_zap_l1(pool, l1_gfn(gfn), pages, &zapped);
	vm_memory_unlock(memory);
	flush = zapped.flush;
	ept02_zap_end(pool, &zapped);
	return flush;
}

static inline struct ept02_root *root_of(u64 table)
{
	return ept02_root_get(pool, &vcpus[0], table | 0x1e, NULL);
}

#endif
