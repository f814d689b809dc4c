/* SPDX-License-Identifier: MIT */
/* The page walk: 32-bit, PAE and 4-level paging from one table of their shapes. */
#include "vmx/guest_linear.h"
#include "hv/msr_index.h"

#define LEVELS_MAX 4
#define PSE36_BITS 40u /* 4 MiB pages reach so far at most */

/* The shape of a paging mode. */
struct shape {
	u32 levels;
	u32 index_bits; /* of a level; the topmost takes what is left */
	u32 entry_bytes;
	u64 root_mask;        /* of CR3 */
	bool large_needs_pse; /* 32-bit paging: 4 MiB pages only with CR4.PSE */
	u64 reserved;         /* in every entry, beside address bits that the CPU does not have */
};

static const struct shape shape_32bit = { 2, 10, 4, BITS(31, 12), true, 0 };
/* Of PAE paging, what lies below the PDPTEs, which are registers. */
static const struct shape shape_pae = { 2, 9, 8, 0, false, BITS(62, 52) };
static const struct shape shape_4level = { 4, 9, 8, PTE_ADDRESS, false, 0 };

/* A walk: where it has been, for the flags that it owes. */
struct walk {
	const struct paging_mode *mode;
	const struct shape *shape;
	u64 linear;
	u64 rights; /* as the entries so far leave them */
	u64 table;
	struct {
		l1_gpa_t at;
		u64 value;
	} used[LEVELS_MAX];
	u32 used_count;
};

static const struct shape *shape_of(const struct paging_mode *mode)
{
	if (!(mode->cr4 & CR4_PAE))
		return &shape_32bit;
	return mode->efer & EFER_LMA ? &shape_4level : &shape_pae;
}

static struct linear_result fault(u32 error_code)
{
	return (struct linear_result){ .faults = true, .error_code = error_code };
}

/* Whether bit 63 of an entry forbids fetches. */
static bool has_no_execute(const struct paging_mode *mode)
{
	return (mode->cr4 & CR4_PAE) && (mode->efer & EFER_NXE);
}

/* What a fault's error code says of the access; of a fetch only where fetches can be forbidden (SDM
 * "Page-Fault Exceptions"). */
static u32 access_error(const struct paging_mode *mode, enum linear_access access)
{
	u32 error = mode->cpl == 3 ? PF_USER : 0;

	if (access == LINEAR_WRITE)
		error |= PF_WRITE;
	if (access == LINEAR_FETCH && ((mode->cr4 & CR4_SMEP) || has_no_execute(mode)))
		error |= PF_FETCH;
	return error;
}

static bool may_fetch(const struct paging_mode *mode, u64 rights)
{
	if (mode->cpl != 3 && (rights & PTE_USER) && (mode->cr4 & CR4_SMEP))
		return false;
	return !(rights & PTE_NO_EXECUTE) || !has_no_execute(mode);
}

/* Whether the rights along the walk allow the access (SDM "Determination of Access Rights"). */
static bool is_allowed(const struct paging_mode *mode, u64 rights, enum linear_access access)
{
	bool user = mode->cpl == 3;

	if (user && !(rights & PTE_USER))
		return false;
	if (access == LINEAR_FETCH)
		return may_fetch(mode, rights);
	if (!user && (rights & PTE_USER) && (mode->cr4 & CR4_SMAP) && !mode->alignment_check)
		return false;
	if (access == LINEAR_WRITE && !(rights & PTE_WRITE))
		return !user && !(mode->cr0 & CR0_WP);
	return true;
}

/* One more entry of the walk: it takes rights away, or forbids fetches. */
static u64 and_rights(u64 rights, u64 entry)
{
	return (rights & entry & (PTE_WRITE | PTE_USER)) | ((rights | entry) & PTE_NO_EXECUTE);
}

static bool is_leaf(const struct walk *w, u32 level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_LARGE) || level > 3)
		return false;
	return !w->shape->large_needs_pse || (w->mode->cr4 & CR4_PSE);
}

/* Bits of a present entry that must be 0 (SDM, the formats of paging-structure entries). */
static u64 reserved_bits(const struct walk *w, u32 level, u64 entry)
{
	u32 width = w->mode->physical_bits;
	u64 reserved = w->shape->reserved | (BITS(51, 0) & ~BITS(width - 1, 0));

	if (w->shape == &shape_32bit) {
		if (level == 1 || !is_leaf(w, level, entry))
			return 0;
		return BITS(21, 13) & ~BITS(MIN(width, PSE36_BITS) - 20, 13);
	}
	if (!(w->mode->efer & EFER_NXE))
		reserved |= PTE_NO_EXECUTE;
	if (level == 4 || (level == 3 && !w->mode->has_1g_pages))
		reserved |= PTE_LARGE;
	if (level > 1 && level < 4 && is_leaf(w, level, entry))
		reserved |= BITS(PAGE_SHIFT + 9 * (level - 1) - 1, 13);
	return reserved;
}

/* The physical address of a leaf of this level. */
static u64 leaf_base(const struct shape *shape, u64 entry, u64 offset_mask)
{
	if (shape == &shape_32bit && offset_mask > PAGE_SIZE) /* PSE-36 */
		return (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
	return entry & PTE_ADDRESS & ~offset_mask;
}

/* Accessed in every entry, dirty in the last one of a write (SDM "Accessed and Dirty Flags"). */
static void mark_used(const struct walk *w, enum linear_access access,
		      const struct linear_source *source)
{
	for (u32 i = 0; i < w->used_count; i++) {
		bool dirty = i + 1 == w->used_count && access == LINEAR_WRITE;
		u8 owed = (u8)(PTE_ACCESSED | (dirty ? PTE_DIRTY : 0));

		if ((w->used[i].value & owed) != owed)
			source->mark(source->context, w->used[i].at, owed);
	}
}

static struct linear_result walk_tables(struct walk *w, enum linear_access access, u32 error,
					const struct linear_source *source)
{
	const struct shape *shape = w->shape;

	for (u32 level = shape->levels; level > 0; level--) {
		u32 shift = PAGE_SHIFT + shape->index_bits * (level - 1);
		u64 index = w->linear >> shift & (BIT(shape->index_bits) - 1);
		l1_gpa_t at = l1_gpa(w->table + index * shape->entry_bytes);
		u64 entry = 0, offset_mask = BIT(shift) - 1;

		if (source->read(source->context, at, &entry, shape->entry_bytes) ||
		    !(entry & PTE_PRESENT))
			return fault(error);
		if (entry & reserved_bits(w, level, entry))
			return fault(error | PF_PRESENT | PF_RESERVED);
		w->used[w->used_count].at = at;
		w->used[w->used_count++].value = entry;
		w->rights = and_rights(w->rights, entry);
		w->table = entry & PTE_ADDRESS;
		if (!is_leaf(w, level, entry))
			continue;
		if (!is_allowed(w->mode, w->rights, access))
			return fault(error | PF_PRESENT);
		mark_used(w, access, source);
		return (struct linear_result){
			.gpa = l1_gpa(leaf_base(shape, entry, offset_mask) |
				      (w->linear & offset_mask)),
		};
	}
	return fault(error);
}

struct linear_result linear_translate(const struct paging_mode *mode, u64 linear,
				      enum linear_access access, const struct linear_source *source)
{
	u32 error = access_error(mode, access);
	struct walk w = {
		.mode = mode,
		.shape = shape_of(mode),
		.linear = linear,
		.rights = PTE_WRITE | PTE_USER,
	};

	if (!(mode->cr0 & CR0_PG))
		return (struct linear_result){ .gpa = l1_gpa((u32)linear) };
	w.table = mode->cr3 & w.shape->root_mask;
	if (w.shape == &shape_pae) {
		u64 pdpte = mode->pdptes[linear >> 30 & 3];

		if (!(pdpte & PTE_PRESENT))
			return fault(error);
		w.table = pdpte & PTE_ADDRESS;
	}
	return walk_tables(&w, access, error, source);
}
