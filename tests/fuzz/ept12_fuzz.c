/* SPDX-License-Identifier: MIT */
/*
 * Any EPT12 tables, any EPTP that VM entry takes, any access: the walk is what the oracle says, its
 * flags go where they belong, and EPT02's leaf allows no more than EPT12.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/ept12_oracle.h"
#include "vmx/nested/ept_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES 5u

/* The entries in the order of the walk; one without memory where the input says so. */
struct input {
	u64 entries[ENTRIES];
	u64 eptp, caps, gpa, qualification;
	u8 physical_bits, access, unbacked, page_level;
};

struct memory {
	const struct input *in;
	u32 places;
	struct place {
		l1_gpa_t at;
		u64 value, marked;
	} place[ENTRIES];
};

/* The input's entries go to addresses as they are asked for; an address keeps its entry. */
static struct place *find(struct memory *memory, l1_gpa_t at)
{
	u32 n = 0;

	while (n < memory->places && memory->place[n].at.raw != at.raw)
		n++;
	assert(n < ENTRIES);
	if (n == memory->places)
		memory->place[memory->places++] = (struct place){ at, memory->in->entries[n], 0 };
	return &memory->place[n];
}

static int read_entry(void *context, l1_gpa_t at, u64 *entry)
{
	struct memory *memory = context;
	const struct place *place = find(memory, at);

	*entry = place->value;
	return memory->in->unbacked >> (place - memory->place) & 1 ? -1 : 0;
}

static int mark_entry(void *context, l1_gpa_t at, u64 seen, u64 flags)
{
	struct place *place = find(context, at);

	assert(!(seen & flags));
	if (place->value != seen)
		return -1;
	place->value |= flags;
	place->marked |= flags;
	return 0;
}

/* Tables that point to themselves have one entry twice on the way: the next try sets the rest. */
static void check_flags(struct ept12 *ept, const struct ept12_access *access,
			struct ept12_walk *walk)
{
	u32 tries = 0;

	while (ept12_set_flags(ept, walk)) {
		assert(++tries < ENTRIES);
		*walk = ept12_translate(ept, access);
		assert(walk->outcome == EPT12_OK);
	}
	for (u32 n = 0; n < walk->used_count; n++) {
		const struct place *place = find(ept->context, walk->used[n].at);
		u64 owed = 0x100 | (n + 1 == walk->used_count && walk->write ? 0x200 : 0);

		if (!walk->has_flags)
			assert(!place->marked);
		else
			assert((place->value & owed) == owed && !(place->marked & ~0x300ULL));
	}
}

static void check_leaf(const struct ept12_walk *walk, const struct input *in)
{
	struct ept01_page page = { .pfn = pfn(walk->to.raw >> 12),
				   .level = 1 + in->page_level % 3,
				   .writable = in->page_level & 4,
				   .type = MEMORY_WB };
	struct ept02_leaf out = ept_compose(walk, &page);

	assert(!(out.leaf.bits & 7 & ~walk->rights));
	assert(out.leaf.level <= walk->level && out.leaf.level <= page.level);
	assert((walk->from.raw >> 12) - out.gfn.raw < ept_level_pages(out.leaf.level));
	assert((walk->to.raw >> 12) - out.leaf.pfn.raw == (walk->from.raw >> 12) - out.gfn.raw);
}

static void check(const struct input *in)
{
	struct memory memory = { .in = in }, again = { .in = in };
	struct vmx_caps l1 = { .ept_vpid = in->caps, .physical_bits = 32 + in->physical_bits % 21 };
	struct ept12 ept = { in->eptp, &l1, read_entry, mark_entry, &memory };
	struct ept12_access access =
		ept12_access_of_exit(l2_gpa(in->gpa & BITS(51, 0)), in->qualification);
	struct ept12_walk walk;
	const char *objection;

	assert(eptp_is_valid(in->eptp, &l1) == ept12_oracle_eptp(in->eptp, &l1));
	if (!eptp_is_valid(in->eptp, &l1))
		return;
	access.paging_structure = in->access & 1;
	walk = ept12_translate(&ept, &access);
	ept.context = &again;
	objection = ept12_oracle_objection(&ept, &access, &walk);
	if (objection) {
		fprintf(stderr, "%s differs\n", objection);
		abort();
	}
	if (walk.outcome != EPT12_OK)
		return;
	ept.context = &memory;
	check_flags(&ept, &access, &walk);
	check_leaf(&walk, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .eptp = 0x1e, .caps = ~0ULL };

	memcpy(&in, data, MIN(size, sizeof(in)));
	check(&in);
	return 0;
}
