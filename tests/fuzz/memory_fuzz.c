/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of what L0 does with L1's memory, beside a naive model: an array that says of each
 * gfn what it is and what two of its words say, and of each pfn-cache whether a change has hit its
 * page. After each step both agree; in the end no frame is lost, shared, or free and reachable.
 */
#include "tests/fuzz/memory_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- accesses --------------------------------------------------------------------------------- */

/* One word, the first of the page or its last. Its users are told, if it can be written. */
static void write_word(u64 at, bool tail, bool by_walk)
{
	u64 value = ++last_word, *model = tail ? &pages[at].tail : &pages[at].head;
	l1_gpa_t gpa = l1_gpa_add(gpa_of(at), tail ? TAIL : 0);
	int rc = takes_writes(at) ? 0 : -EFAULT;

	told = 0;
	if (by_walk)
		assert_int_equal(walk_cache_write(&walk, gpa, &value, sizeof(value)), rc);
	else
		assert_int_equal(guest_write(memory, gpa, &value, sizeof(value)), rc);
	assert_int_equal(told, rc ? 0 : users[at]);
	if (rc)
		return;
	users[at] = 0;
	mark(at);
	*model = value;
}

/* The last word of a page and the first of the next. */
static void write_across(u64 at)
{
	u64 values[] = { last_word + 1, last_word + 2 };
	bool first = takes_writes(at), both = first && takes_writes(at + 1);

	last_word += 2;
	assert_int_equal(guest_write(memory, l1_gpa_add(gpa_of(at), TAIL), values, sizeof(values)),
			 both ? 0 : -EFAULT);
	if (first) {
		pages[at].tail = values[0];
		users[at] = 0;
		mark(at);
	}
	if (both) {
		pages[at + 1].head = values[1];
		users[at + 1] = 0;
		mark(at + 1);
	}
}

static void exchange(u64 at, bool by_walk)
{
	u64 expected = below(2) ? pages[at].head : ~0ULL, value = ++last_word, found = expected;
	int rc = takes_writes(at) ? 0 : -EFAULT;

	if (by_walk)
		assert_int_equal(walk_cache_cmpxchg(&walk, gpa_of(at), &found, value), rc);
	else
		assert_int_equal(guest_cmpxchg(memory, gpa_of(at), &found, value), rc);
	if (rc)
		return;
	assert_int_equal(found, pages[at].head);
	users[at] = 0;
	mark(at); /* whatever it came to */
	if (expected == pages[at].head)
		pages[at].head = value;
}

static void read_words(u64 at)
{
	int rc = pages[at].is_there ? 0 : -EFAULT;
	u64 across[2] = { 0 }, head = 0;

	assert_int_equal(walk_cache_read_word(&walk, gpa_of(at), &word), rc);
	word_at = at;
	word_version = rc ? 0 : walk.version;
	assert_int_equal(guest_read(memory, gpa_of(at), &head, sizeof(head)), rc);
	if (rc)
		return;
	assert_int_equal(word.value, pages[at].head);
	assert_int_equal(head, pages[at].head);
	rc = guest_read(memory, l1_gpa_add(gpa_of(at), TAIL), across, sizeof(across));
	assert_int_equal(rc, pages[at + 1].is_there ? 0 : -EFAULT);
	assert_int_equal(across[0], pages[at].tail);
	assert_int_equal(across[1], rc ? 0 : pages[at + 1].head);
}

/* What is still the same is what it was. */
static void check_word(void)
{
	if (word_version != walk.version || !walk_cache_is_same(&walk, &word))
		return;
	assert_true(pages[word_at].is_there);
	assert_int_equal(word.value, pages[word_at].head);
}

static void access(void)
{
	u64 at = some_place() + below(2), by_walk = below(2);

	switch (below(8)) {
	case 0:
		write_across(at);
		break;
	case 1:
		exchange(at, by_walk);
		break;
	case 2:
		walk_cache_deactivate(&walk);
		word_version = 0;
		break;
	case 3 ... 4:
		write_word(at, below(2), by_walk);
		break;
	default:
		read_words(at);
	}
}

/* --- pfn-caches ------------------------------------------------------------------------------- */

/* What a refresh for a page answers, of a cache that is not valid for it. */
static int refresh_error(const struct cache_model *m, u64 at)
{
	if (!pages[at].is_there)
		return -ENOENT;
	if (m->writes && pages[at].read_only)
		return -EFAULT;
	return m->held ? -EBUSY : 0;
}

static void refresh(u32 i)
{
	struct cache_model *m = &models[i];
	int error = m->is_valid ? 0 : refresh_error(m, m->at);

	if (!m->is_active)
		error = -EINVAL;
	assert_int_equal(pfn_cache_refresh(&caches[i]), error);
	m->is_valid = !error;
	mark_what_vmcs_has();
}

static void move_cache(u32 i)
{
	struct cache_model *m = &models[i];
	u64 to = some_place();
	int error = refresh_error(m, to);

	if (m->is_active && to == m->at)
		return;
	assert_int_equal(pfn_cache_move(&caches[i], gpa_of(to)), error);
	if (error == -EBUSY)
		m->is_valid = false;
	if (error)
		return;
	m->at = to;
	m->is_active = m->is_valid = true;
}

/* Take hold and keep it, or let go. */
static void hold_or_release(u32 i)
{
	struct cache_model *m = &models[i];

	if (m->held) {
		assert_int_equal(*m->held, pages[m->at].head);
		m->held = NULL;
		pfn_cache_release(&caches[i], HOLDER);
		return;
	}
	m->held = pfn_cache_hold(&caches[i], gpa_of(m->at), HOLDER);
	assert_int_equal(m->held != NULL, m->is_valid);
	if (!m->held)
		return;
	assert_int_equal(*m->held, pages[m->at].head);
	assert_int_equal(caches[i].read_only, pages[m->at].read_only);
	if (!caches[i].writable || !m->writes)
		return;
	*m->held = ++last_word;
	pages[m->at].head = last_word;
}

static void use(u32 i)
{
	struct cache_model *m = &models[i];
	int error = m->is_valid ? 0 : refresh_error(m, m->at);
	pfn_t pfn;

	if (!m->is_active)
		return;
	assert_int_equal(pfn_cache_use(&caches[i], USER, &pfn), error);
	m->is_stale = error != 0;
	m->is_valid = !error;
	if (error)
		return;
	m->is_used = true;
	mark_what_vmcs_has();
	assert_int_equal(pfn.raw, frame_of(BASE + m->at).raw);
}

static void unuse(u32 i)
{
	pfn_cache_unuse(&caches[i], USER);
	models[i].is_used = models[i].is_stale = false;
}

static void start_or_end(u32 i)
{
	struct cache_model *m = &models[i];

	if (m->is_active) {
		pfn_cache_deactivate(&caches[i]);
		assert_null(m->held);
		m->is_active = m->is_valid = m->is_used = m->is_stale = false;
	} else {
		m->at = some_place();
		pfn_cache_activate(&caches[i], gpa_of(m->at));
		m->is_active = true;
	}
}

static void verb(void)
{
	u32 i = (u32)below(CACHES);
	bool is_guest = i < GUESTS;

	switch (below(8)) {
	case 0:
		start_or_end(i);
		break;
	case 1 ... 2:
		refresh(i);
		break;
	case 3:
		if (is_guest)
			unuse(i);
		else
			move_cache(i);
		break;
	default:
		if (is_guest)
			use(i);
		else
			hold_or_release(i);
	}
}

/* --- EPT01 ------------------------------------------------------------------------------------ */

static u32 protected_count(void)
{
	u32 count = 0;

	for (u64 i = 0; i < GFNS; i++)
		count += users[i] > 0;
	return count;
}

static void protect_page(u64 at)
{
	int error = 0;

	if (!pages[at].is_there)
		error = -ENOENT;
	else if (!users[at] && protected_count() == ROOM)
		error = -ENOMEM;
	assert_int_equal(protect(BASE + at), error);
	if (error)
		return;
	ept01_protect_wait(memory);
	/* Who came to hold it while it was protected may read it. */
	for (u32 i = 0; i < CACHES; i++)
		assert_false(models[i].held && models[i].at == at && !users[at]);
	users[at]++;
}

static void unprotect_page(u64 at)
{
	if (!users[at])
		return;
	unprotect(BASE + at);
	users[at]--;
}

static void violate(u64 at, bool write)
{
	int error = 0;

	if (!pages[at].is_there)
		error = -ENOENT;
	else if (write && pages[at].read_only)
		error = -EFAULT;
	else if (write && users[at])
		error = -EACCES;
	assert_int_equal(fault(BASE + at, write), error);
	if (error)
		return;
	if (write)
		mark(at);
	assert_int_not_equal(leaf_at(BASE + at).level, 0);
	assert_true(!write || may_write(BASE + at));
}

static void table_step(void)
{
	u64 at = some_place() + below(2);

	switch (below(8)) {
	case 0:
		assert_int_equal(ept01_populate(memory), 0);
		break;
	case 1 ... 2:
		protect_page(at);
		break;
	case 3:
		unprotect_page(at);
		break;
	default:
		violate(at, below(2));
	}
}

/* Whatever leaf there is, it is as the regions say, and lets nobody write to protected pages, nor
 * to clean ones of a log. */
static void check_leaf(u64 at)
{
	if (!leaf_at(BASE + at).level)
		return;
	assert_true(pages[at].is_there);
	assert_int_equal(mapped_frame(BASE + at), frame_of(BASE + at).raw);
	if (!may_write(BASE + at))
		return;
	assert_true(takes_writes(at) && !users[at]);
	assert_true(!pages[at].logs || pages[at].is_dirty);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void step(void)
{
	switch (below(16)) {
	case 0:
		change_region();
		break;
	case 1 ... 2:
		change_frames();
		break;
	case 3 ... 6:
		access();
		break;
	case 7 ... 11:
		verb();
		break;
	default:
		table_step();
	}
}

static u64 leaf_turn;

static void compare(void)
{
	compare_caches();
	for (u32 i = GUESTS; i < CACHES; i++)
		if (models[i].is_valid)
			assert_int_equal(caches[i].writable, takes_writes(models[i].at) &&
								     !users[models[i].at] &&
								     !pages[models[i].at].logs);
	check_word();
	leaf_turn = (leaf_turn + STRIDE) % GFNS; /* one place a step; all of them in the end */
	check_leaf(leaf_turn);
	check_leaf(leaf_turn + 1);
}

/* Each page has a frame of its own, and the others are free. */
static void check_frames(void)
{
	static u8 seen[BIT(21)]; /* the fixture's guest RAM ends below */
	u64 reachable = 0;

	for (u64 at = 0; at < GFNS; at++)
		if (pages[at].is_there)
			assert_int_equal(seen[frame_of(BASE + at).raw]++, 0);
	for (u64 at = 0; at < GFNS; at++) {
		reachable += pages[at].is_there;
		if (pages[at].is_there)
			seen[frame_of(BASE + at).raw] = 0;
	}
	assert_int_equal(guest_frame_free_count() + reachable, all_frames);
}

/* All is given back. A frame that was free already is a panic; a window that is not given back will
 * be missed. */
static void tear_down(void)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (regions[i].count)
			delete_region(&regions[i]);
	check_frames();
	for (u64 at = 0; at < GFNS; at++)
		while (users[at])
			unprotect_page(at);
	assert_int_equal(memory->protected_pages.in_use, 0);
	for (u32 i = 0; i < CACHES; i++)
		pfn_cache_deactivate(&caches[i]);
	walk_cache_deactivate(&walk);
	assert_int_equal(memory->caches.count, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_end = data + size;
	set_up();
	while (input < input_end) {
		step();
		compare();
	}
	for (u64 at = 0; at < GFNS; at++)
		check_leaf(at);
	check_contents(0, GFNS);
	check_frames();
	tear_down();
	return 0;
}
