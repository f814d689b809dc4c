/* SPDX-License-Identifier: MIT */
/* The walk of EPT12, its violations and misconfigurations (SDM "EPT-Induced VM Exits"). */
#include "vmx/nested/ept12.h"

#define EPTP_TYPE(eptp)   ((eptp)&7u)
#define EPTP_LEVELS(eptp) ((u32)((eptp) >> 3 & 7) + 1)
#define EPTP_RESERVED     BITS(11, 7)

static bool has_cap(const struct vmx_caps *l1, u64 cap)
{
	return l1->ept_vpid & cap;
}

/* Address bits that L1's CPU does not have. */
static u64 beyond_width(const struct vmx_caps *l1)
{
	return BITS(51, 0) & ~BITS(l1->physical_bits - 1, 0);
}

bool eptp_is_valid(u64 eptp, const struct vmx_caps *l1)
{
	static const struct {
		u32 value;
		u64 cap;
	} types[] = { { MEMORY_UC, EPT_CAP_MASK(UNCACHEABLE) },
		      { MEMORY_WB, EPT_CAP_MASK(WRITE_BACK) } },
	  lengths[] = { { 4, EPT_CAP_MASK(WALK_4) }, { 5, EPT_CAP_MASK(WALK_5) } };
	bool type_ok = false, length_ok = false;

	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		type_ok |= EPTP_TYPE(eptp) == types[i].value && has_cap(l1, types[i].cap);
		length_ok |= EPTP_LEVELS(eptp) == lengths[i].value && has_cap(l1, lengths[i].cap);
	}
	if ((eptp & EPTP_AD_ENABLE) && !has_cap(l1, EPT_CAP_MASK(ACCESSED_DIRTY)))
		return false;
	return type_ok && length_ok && !(eptp & (EPTP_RESERVED | BITS(63, 52) | beyond_width(l1)));
}

static bool may_be_leaf(const struct vmx_caps *l1, u32 level)
{
	return level == EPT_LEVEL_4K ||
	       (level == EPT_LEVEL_2M && has_cap(l1, EPT_CAP_MASK(PAGE_2M))) ||
	       (level == EPT_LEVEL_1G && has_cap(l1, EPT_CAP_MASK(PAGE_1G)));
}

/* Bits of a present entry that must be 0 beside those that are beyond the width (SDM, the formats
 * of EPT paging-structure entries). */
static u64 reserved_bits(const struct vmx_caps *l1, u64 entry, u32 level)
{
	if (!ept_is_leaf(entry, level) || !may_be_leaf(l1, level))
		return EPT_TYPE_MASK | EPT_IGNORE_PAT | EPT_LEAF;
	return (ept_level_pages(level) - 1) << PAGE_SHIFT;
}

static bool is_reserved_type(u64 entry)
{
	u64 type = (entry & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT;

	return type == 2 || type == 3 || type == 7;
}

/* SDM "EPT Misconfigurations", of an entry that is present. */
static bool is_misconfigured(const struct vmx_caps *l1, u64 entry, u32 level)
{
	if (!(entry & EPT_READ) && (entry & EPT_WRITE))
		return true;
	if (!(entry & EPT_READ) && !has_cap(l1, EPT_CAP_MASK(EXECUTE_ONLY)))
		return true;
	if (entry & reserved_bits(l1, entry, level))
		return true;
	return ept_is_leaf(entry, level) && is_reserved_type(entry);
}

/* With flags, an access of L2's page walk is a write too (SDM "Accessed and Dirty Flags for EPT").
 */
static u64 rights_needed(const struct ept12_access *access, bool has_flags)
{
	u64 accesses = (access->read ? EPT_READ : 0) | (access->write ? EPT_WRITE : 0) |
		       (access->fetch ? EPT_EXECUTE : 0);

	return access->paging_structure && has_flags ? EPT_READ | EPT_WRITE : accesses;
}

static void violate(struct ept12_walk *walk, const struct ept12_access *access)
{
	walk->outcome = EPT12_VIOLATION;
	walk->qualification = rights_needed(access, walk->has_flags) |
			      walk->rights << EPT_VIOLATION_RIGHTS_SHIFT |
			      (access->qualification & EPT12_PASSED);
}

static u64 read_entry(const struct ept12 *ept, l1_gpa_t at)
{
	u64 entry;

	return ept->read(ept->context, at, &entry) ? ~0ULL : entry;
}

/* The walk's entry of this level: true where it is sound and present. */
static inline bool take_entry(const struct ept12 *ept, struct ept12_walk *walk, u64 table,
			      u32 level)
{
	u64 gfn = l2_gpa_to_l2_gfn(walk->from).raw;
	l1_gpa_t at = l1_gpa(table + ept_index(gfn, level) * sizeof(u64));
	u64 entry = read_entry(ept, at);

	walk->used[walk->used_count++] = (struct ept12_used){ at, entry };
	walk->level = level;
	walk->rights &= entry;
	if (!ept_is_present(entry))
		return false;
	if (!(entry & beyond_width(ept->l1)) && !is_misconfigured(ept->l1, entry, level))
		return true;
	walk->outcome = EPT12_MISCONFIGURATION;
	return false;
}

/* Down to the leaf, or to the entry that ends the walk before; true: a leaf was found. */
static bool find_leaf(const struct ept12 *ept, struct ept12_walk *walk,
		      const struct ept12_table *from)
{
	u64 table = from->at.raw;

	for (u32 level = from->level; level > EPT_LEVEL_4K; level--) {
		u64 entry;

		if (!take_entry(ept, walk, table, level))
			return false;
		entry = walk->used[walk->used_count - 1].value;
		if (ept_is_leaf(entry, level))
			return true;
		table = entry & EPT_FRAME_MASK;
	}
	return take_entry(ept, walk, table, EPT_LEVEL_4K);
}

static inline void take_leaf(struct ept12_walk *walk, u32 level)
{
	u64 entry = walk->used[walk->used_count - 1].value;
	u64 offset_mask = (ept_level_pages(level) << PAGE_SHIFT) - 1;

	walk->to = l1_gpa((entry & EPT_FRAME_MASK & ~offset_mask) | (walk->from.raw & offset_mask));
	walk->type = (enum memory_type)((entry & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT);
	walk->ignore_pat = entry & EPT_IGNORE_PAT;
}

struct ept12_table ept12_root(const struct ept12 *ept, const struct ept12_access *access)
{
	u32 levels = EPTP_LEVELS(ept->eptp);

	return (struct ept12_table){
		.at = l1_gpa(ept->eptp & EPT_FRAME_MASK),
		.level = levels,
		.rights = access->gpa.raw >> (PAGE_SHIFT + 9 * levels) ? 0 : EPT_ACCESS_MASK,
	};
}

/* The order is the SDM's ("Prioritization of EPT Misconfigurations and EPT Violations"): entry by
 * entry down to the leaf, and only then the rights. */
void ept12_translate_from(const struct ept12 *ept, const struct ept12_access *access,
			  const struct ept12_table *table, struct ept12_walk *walk)
{
	bool has_flags = ept->eptp & EPTP_AD_ENABLE;
	u64 needed = rights_needed(access, has_flags);
	bool found;

	walk->outcome = EPT12_OK;
	walk->qualification = 0;
	walk->from = access->gpa;
	walk->write = needed & EPT_WRITE;
	walk->has_flags = has_flags;
	walk->used_count = 0;
	walk->rights = table->rights;
	found = walk->rights && find_leaf(ept, walk, table);
	if (walk->outcome == EPT12_MISCONFIGURATION)
		return;
	if (!found || (needed & ~walk->rights))
		violate(walk, access);
	else if (likely(walk->level == EPT_LEVEL_4K))
		take_leaf(walk, EPT_LEVEL_4K);
	else
		take_leaf(walk, walk->level);
}

struct ept12_walk ept12_translate(const struct ept12 *ept, const struct ept12_access *access)
{
	const struct ept12_table root = ept12_root(ept, access);
	struct ept12_walk walk = { 0 };

	ept12_translate_from(ept, access, &root, &walk);
	return walk;
}

bool ept12_sets_dirty(const struct ept12_walk *walk)
{
	return walk->has_flags && walk->write && !ept12_was_dirty(walk);
}

int ept12_set_flags(const struct ept12 *ept, const struct ept12_walk *walk)
{
	if (!walk->has_flags)
		return 0;
	for (u32 i = 0; i < walk->used_count; i++) {
		const struct ept12_used *used = &walk->used[i];
		bool is_leaf = i + 1 == walk->used_count;
		u64 owed = EPT_ACCESSED | (is_leaf && walk->write ? EPT_DIRTY : 0);
		int rc;

		owed &= ~used->value;
		if (!owed)
			continue;
		rc = ept->mark(ept->context, used->at, used->value, owed);
		if (rc)
			return rc;
	}
	return 0;
}
