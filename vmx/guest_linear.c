/* SPDX-License-Identifier: MIT */
/* The page walk: 32-bit, PAE and 4-level paging from one table of their shapes. */
#include "vmx/guest_linear.h"
#include "hv/msr_index.h"

/* The shape of a paging mode. */
struct shape {
	u32 levels;
	u32 index_bits; /* of a level; the topmost takes what is left */
	u32 entry_bytes;
	u64 root_mask; /* of CR3 */
	bool top_has_rights;
	bool large_needs_pse; /* 32-bit paging: 4 MiB pages only with CR4.PSE */
};

static const struct shape shape_32bit = { 2, 10, 4, BITS(31, 12), true, true };
static const struct shape shape_pae = { 3, 9, 8, BITS(31, 5), false, false };
static const struct shape shape_4level = { 4, 9, 8, PTE_ADDRESS, true, false };

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

static bool is_leaf(const struct shape *shape, const struct paging_mode *mode, u32 level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_LARGE) || level > 3 || (level == 3 && shape != &shape_4level))
		return false;
	return !shape->large_needs_pse || (mode->cr4 & CR4_PSE);
}

/* The physical address of a leaf of this level. */
static u64 leaf_base(const struct shape *shape, u64 entry, u64 offset_mask)
{
	if (shape == &shape_32bit && offset_mask > PAGE_SIZE) /* PSE-36 */
		return (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
	return entry & PTE_ADDRESS & ~offset_mask;
}

struct linear_result linear_translate(const struct paging_mode *mode, u64 linear,
				      enum linear_access access, const struct linear_source *source)
{
	u32 error = access_error(mode, access);
	const struct shape *shape = shape_of(mode);
	u64 table = mode->cr3 & shape->root_mask;
	u64 rights = PTE_WRITE | PTE_USER;

	if (!(mode->cr0 & CR0_PG))
		return (struct linear_result){ .gpa = l1_gpa((u32)linear) };
	for (u32 level = shape->levels; level > 0; level--) {
		u32 shift = PAGE_SHIFT + shape->index_bits * (level - 1);
		u64 index = linear >> shift & (BIT(shape->index_bits) - 1);
		u64 entry = 0;

		if (shape == &shape_pae && level == 3)
			index &= 3;
		if (source->read(source->context, l1_gpa(table + index * shape->entry_bytes),
				 &entry, shape->entry_bytes) ||
		    !(entry & PTE_PRESENT))
			return fault(error);
		if (level < shape->levels || shape->top_has_rights)
			rights = and_rights(rights, entry);
		if (is_leaf(shape, mode, level, entry)) {
			u64 offset_mask = BIT(shift) - 1;

			if (!is_allowed(mode, rights, access))
				return fault(error | PF_PRESENT);
			return (struct linear_result){
				.gpa = l1_gpa(leaf_base(shape, entry, offset_mask) |
					      (linear & offset_mask)),
			};
		}
		table = entry & PTE_ADDRESS;
	}
	return fault(error | PF_PRESENT | PF_RESERVED);
}
