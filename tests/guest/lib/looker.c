/* SPDX-License-Identifier: MIT */
/* A look counts if the test said nothing new between its beginning and its end. */
#include "tests/guest/lib/looker.h"
#include "hv/x86.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/test.h"

#define ONES (~0ULL)
#define WAIT 50000000ULL /* ticks */

static u64 address;
static u64 phase;              /* odd: anything may be found; else: */
static u64 wanted;             /* written while the phase is odd */
static u64 looks, wrong, last; /* the looker's */

void looker_begin(u64 where)
{
	address = where;
	looks = wrong = 0;
	phase = 1;
}

void looker_look(void)
{
	u64 before = READ_ONCE(phase), want = READ_ONCE(wanted);
	u64 value = peek(address);

	if (READ_ONCE(phase) != before)
		return;
	if (!(before & 1) && value != want) {
		WRITE_ONCE(last, value);
		WRITE_ONCE(wrong, wrong + 1);
	}
	WRITE_ONCE(looks, looks + 1);
}

void looker_finds_anything(void)
{
	WRITE_ONCE(phase, phase | 1);
}

bool looker_finds(u64 value, u32 times)
{
	u64 start = rdtsc(), enough;

	looker_finds_anything();
	WRITE_ONCE(wanted, value);
	WRITE_ONCE(phase, phase + 1);
	enough = READ_ONCE(looks) + times;
	while (READ_ONCE(looks) < enough && rdtsc() - start < WAIT)
		cpu_pause();
	return READ_ONCE(looks) >= enough;
}

void looker_expect_right(void)
{
	EXPECT(looks > 0);
	EXPECT_EQ(wrong, 0);
	if (wrong)
		EXPECT_EQ(last, wanted);
}

bool looker_sees_region(u64 round, u32 times)
{
	looker_finds_anything();
	if (region_add(REGION_HERE))
		return false;
	poke(REGION_HERE, looker_word(round));
	if (!looker_finds(looker_word(round), times))
		return false;
	looker_finds_anything();
	return !region_delete(REGION_HERE) && looker_finds(ONES, times);
}
