/* SPDX-License-Identifier: MIT */
/* The naive model of tests/fuzz/memory_fuzz.c and what it stands beside. */
#ifndef TESTS_FUZZ_MEMORY_MODEL_H
#define TESTS_FUZZ_MEMORY_MODEL_H

#include "tests/unit/mm/protect_fixture.h"
#include "mm/page.h"
#include "mm/walk_cache.h"

#define BASE    4096u /* the first gfn: a large leaf can start there */
#define GFNS    1024u
#define STRIDE  32u /* regions start at multiples of it, and caches are for them */
#define REGIONS 8u
#define CACHES  8u
#define GUESTS  3u /* of them */
#define USER    1u /* the vCPU whose VMCS uses pages */
#define WALKER  2u /* the vCPU of the walk cache */
#define HOLDER  7u /* the vCPU that holds pages over several steps */
#define TAIL    (PAGE_SIZE - sizeof(u64))

struct page_model {
	bool is_there, read_only, logs;
	bool is_dirty;  /* it logs, and was written to */
	u64 head, tail; /* its first word, and its last */
};

struct region_model {
	u64 at, count; /* pages, from BASE on; none: no region */
	bool read_only, logs;
};

struct cache_model {
	bool is_active, is_valid, writes;
	bool is_used, is_stale; /* guest use, by USER */
	u64 at;
	u64 *held; /* by HOLDER */
};

static struct page_model pages[GFNS + 1]; /* the last is never there */
static u32 users[GFNS + 1];               /* of a protection */
static struct region_model regions[REGIONS];
static struct cache_model models[CACHES];

static struct pfn_cache caches[CACHES];
static struct pfn_user user;
static struct walk_cache walk;
static struct walk_word word; /* something that was read, of the page at word_at */
static u64 word_at, word_version;
static u64 all_frames, last_word;

/* The input: one byte a choice, and none left. */
static const uint8_t *input, *input_end;

static inline u64 below(u64 limit)
{
	return input < input_end ? *input++ % limit : 0;
}

static inline u64 some_place(void)
{
	return below(GFNS / STRIDE) * STRIDE;
}

static inline l1_gpa_t gpa_of(u64 at)
{
	return page_at(BASE + at);
}

/* A wait for holders: they were at what their page has been until now, and let go. */
static inline void holders_let_go(void)
{
	for (u32 i = 0; i < CACHES; i++) {
		struct cache_model *m = &models[i];

		if (!m->held)
			continue;
		assert_int_equal(*m->held, pages[m->at].head);
		m->held = NULL;
		pfn_cache_release(&caches[i], HOLDER);
	}
}

/* Valid is what no change has hit, and the gate is up for what one has; also while the CPUs of the
 * VM are kicked. */
static inline void compare_caches(void)
{
	u32 stale = 0;

	for (u32 i = 0; i < CACHES; i++) {
		const struct cache_model *m = &models[i];

		assert_int_equal(pfn_cache_check(&caches[i], gpa_of(m->at)), m->is_valid);
		if (m->held)
			assert_int_equal(*m->held, pages[m->at].head);
		stale |= (u32)m->is_stale << i;
	}
	assert_int_equal(user.stale, stale);
}

/* A change is under way: nothing that it has made invalid becomes valid. */
static inline void nothing_becomes_valid(void)
{
	for (u32 i = 0; i < CACHES && memory->active; i++)
		if (models[i].is_active && !pfn_cache_check(&caches[i], gpa_of(models[i].at)))
			assert_int_equal(pfn_cache_refresh(&caches[i]), -EBUSY);
}

static inline void during_change(void)
{
	compare_caches();
	nothing_becomes_valid();
}

/* The machine is made once: each input gives back all it took, or fails. */
static inline void set_up(void)
{
	if (!memory) {
		set_up_protection(NULL);
		in_kick = during_change;
		host_x86.pause = holders_let_go;
		all_frames = guest_frame_free_count();
	}
	memset(pages, 0, sizeof(pages));
	memset(users, 0, sizeof(users));
	memset(regions, 0, sizeof(regions));
	memset(models, 0, sizeof(models));
	user.stale = 0;
	walk_cache_init(&walk, memory, WALKER);
	word_version = 0;
	for (u32 i = 0; i < CACHES; i++) {
		models[i].writes = i < GUESTS || i % 2;
		if (i < GUESTS)
			pfn_cache_init_guest(&caches[i], memory, &user, i);
		else
			pfn_cache_init(&caches[i], memory,
				       models[i].writes ? WINDOW_WRITE : WINDOW_READ);
	}
}

static inline bool takes_writes(u64 at)
{
	return pages[at].is_there && !pages[at].read_only;
}

static inline void mark(u64 at)
{
	pages[at].is_dirty |= pages[at].logs;
}

/* The CPU writes to a page that a VMCS has whenever it likes. */
static inline void mark_what_vmcs_has(void)
{
	for (u32 i = 0; i < GUESTS; i++)
		if (models[i].is_valid)
			mark(models[i].at);
}

static inline struct region_model *region_of(u64 at)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (at - regions[i].at < regions[i].count)
			return &regions[i];
	return NULL;
}

#endif
