/* SPDX-License-Identifier: MIT */
/* A slow walk of EPT12: one entry after the other, judged whole, before the access is. */
#include "ept12_oracle.h"

#define BIT_OF(value, bit) ((u32)((value) >> (bit)) & 1u)

/* What one entry is. */
enum kind { ABSENT, BROKEN, TABLE, PAGE };

struct verdict {
	enum kind end;
	u32 levels_read;
	u32 level;
	bool all[3]; /* R, W, X in every entry */
	u64 last;
};

static u64 cap(const struct vmx_caps *l1, u32 bit)
{
	return BIT_OF(l1->ept_vpid, bit);
}

bool ept12_oracle_eptp(u64 eptp, const struct vmx_caps *l1)
{
	u64 type = eptp % 8, length = eptp / 8 % 8;

	if (!(type == 0 && cap(l1, 8)) && !(type == 6 && cap(l1, 14)))
		return false;
	if (!(length == 3 && cap(l1, 6)) && !(length == 4 && cap(l1, 7)))
		return false;
	if (BIT_OF(eptp, 6) && !cap(l1, 21))
		return false;
	for (u32 bit = 7; bit < 64; bit++)
		if (BIT_OF(eptp, bit) && (bit < 12 || bit >= l1->physical_bits))
			return false;
	return true;
}

/* Whether a bit of a present entry must be 0. Levels: 1 page table, 2 directory, 3, 4, 5. */
static bool is_reserved(const struct vmx_caps *l1, u32 level, bool page, u32 bit)
{
	if (bit >= 52)
		return false;
	if (bit >= l1->physical_bits)
		return true;
	if (page && level == 2)
		return bit >= 12 && bit <= 20;
	if (page && level == 3)
		return bit >= 12 && bit <= 29;
	if (page)
		return false;
	return bit >= 3 && bit <= 7;
}

static enum kind kind_of(const struct vmx_caps *l1, u64 entry, u32 level)
{
	u64 rwx = entry % 8, type = entry / 8 % 8;
	bool page = level == 1 || (level == 2 && BIT_OF(entry, 7) && cap(l1, 16)) ||
		    (level == 3 && BIT_OF(entry, 7) && cap(l1, 17));

	if (rwx == 0)
		return ABSENT;
	if (rwx == 2 || rwx == 6 || (rwx == 4 && !cap(l1, 0)))
		return BROKEN;
	for (u32 bit = 0; bit < 64; bit++)
		if (BIT_OF(entry, bit) && is_reserved(l1, level, page, bit))
			return BROKEN;
	if (page && (type == 2 || type == 3 || type == 7))
		return BROKEN;
	return page ? PAGE : TABLE;
}

static u64 address_of(u64 value)
{
	return value % (1ULL << 52) / 4096 * 4096;
}

static struct verdict judge(const struct ept12 *ept, u64 gpa)
{
	u32 levels = (u32)(ept->eptp / 8 % 8) + 1;
	struct verdict v = { .end = ABSENT, .level = levels, .all = { true, true, true } };
	u64 table = address_of(ept->eptp);

	if (levels == 4 && gpa >= 1ULL << 48) {
		v.all[0] = v.all[1] = v.all[2] = false;
		return v;
	}
	for (; v.level > 0; v.level--) {
		u64 index = gpa / (1ULL << (12 + 9 * (v.level - 1))) % 512;
		u64 entry;

		if (ept->read(ept->context, l1_gpa(table + 8 * index), &entry))
			entry = ~0ULL;
		v.levels_read++;
		v.last = entry;
		for (u32 bit = 0; bit < 3; bit++)
			v.all[bit] = v.all[bit] && BIT_OF(entry, bit);
		v.end = kind_of(ept->l1, entry, v.level);
		if (v.end != TABLE)
			return v;
		table = address_of(entry);
	}
	return v;
}

/* The page itself must be as the leaf says. */
static const char *object_to_page(const struct verdict *v, const struct ept12_walk *walk, u64 gpa)
{
	u64 size = 4096;

	for (u32 level = 1; level < v->level; level++)
		size *= 512;
	if (walk->level != v->level)
		return "level";
	if (walk->to.raw != address_of(v->last) / size * size + gpa % size)
		return "address";
	if (walk->type != (enum memory_type)(v->last / 8 % 8))
		return "memory type";
	if (walk->ignore_pat != BIT_OF(v->last, 6))
		return "ignore PAT";
	for (u32 bit = 0; bit < 3; bit++)
		if (BIT_OF(walk->rights, bit) != v->all[bit])
			return "rights";
	return walk->qualification ? "qualification without a violation" : NULL;
}

const char *ept12_oracle_objection(const struct ept12 *ept, const struct ept12_access *access,
				   const struct ept12_walk *walk)
{
	bool with_flags = BIT_OF(ept->eptp, 6);
	bool as_write = access->paging_structure && with_flags;
	bool wanted[3] = { access->read || as_write, access->write || as_write,
			   access->fetch && !as_write };
	struct verdict v = judge(ept, access->gpa.raw);
	u64 qualification = access->qualification & 0x1180;
	bool denied = v.end == ABSENT;

	if (walk->used_count != v.levels_read)
		return "entries read";
	if (walk->write != wanted[1] || walk->has_flags != with_flags)
		return "kind of access";
	if (v.end == BROKEN)
		return walk->outcome == EPT12_MISCONFIGURATION ? NULL : "not misconfigured";
	for (u32 bit = 0; bit < 3; bit++) {
		denied = denied || (wanted[bit] && !v.all[bit]);
		qualification += (wanted[bit] ? 1u << bit : 0) + (v.all[bit] ? 8u << bit : 0);
	}
	if (denied != (walk->outcome == EPT12_VIOLATION))
		return denied ? "no violation" : "not allowed";
	if (denied)
		return walk->qualification == qualification ? NULL : "qualification";
	return object_to_page(&v, walk, access->gpa.raw);
}
