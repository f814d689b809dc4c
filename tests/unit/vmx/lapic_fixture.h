/* SPDX-License-Identifier: MIT */
/* Local APICs for the lapic_*_test.c files: made, enabled, switched to x2APIC. */
#ifndef LAPIC_FIXTURE_H
#define LAPIC_FIXTURE_H

#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/lapic.h"

#define ENABLED_SVR 0x1ff
#define RATIO       3u /* TSC ticks per timer tick: no power of two */

struct lapic_box {
	struct lapic lapic;
	u32 page[1024];
};

static inline struct lapic *box_create(struct lapic_box *box, u32 id)
{
	const struct lapic_config config = {
		.page = box->page,
		.id = id,
		.physical_bits = 40,
		.tsc_per_tick = RATIO,
		.is_bsp = id == 0,
	};

	memset(box->page, 0xa5, sizeof(box->page));
	lapic_create(&box->lapic, &config);
	return &box->lapic;
}

/* Software has enabled it. */
static inline struct lapic *box_enabled(struct lapic_box *box, u32 id)
{
	struct lapic *lapic = box_create(box, id);

	lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0);
	return lapic;
}

static inline struct lapic *box_x2apic(struct lapic_box *box, u32 id)
{
	struct lapic *lapic = box_enabled(box, id);

	assert_int_equal(lapic_write_base(lapic, lapic->base | APIC_BASE_X2APIC).kind, LAPIC_MODE);
	return lapic;
}

static inline u32 page_word(const struct lapic *lapic, u32 offset)
{
	return lapic->page[offset / 4];
}

static inline bool in_bitmap(const struct lapic *lapic, u32 bitmap, u32 vector)
{
	return page_word(lapic, bitmap + vector / 32 * 16) >> vector % 32 & 1;
}

/* An edge-triggered interrupt by the way others take. */
static inline void arrive(struct lapic *lapic, u8 vector)
{
	lapic_post(lapic, vector, APIC_EDGE);
	lapic_collect(lapic);
}

static inline u64 msr_read(struct lapic *lapic, u32 offset)
{
	u64 value = 0;

	assert_true(lapic_msr_read(lapic, MSR_X2APIC_FIRST + offset / 16, 0, &value));
	return value;
}

static inline enum lapic_effect_kind msr_write(struct lapic *lapic, u32 offset, u64 value)
{
	return lapic_msr_write(lapic, MSR_X2APIC_FIRST + offset / 16, value, 0).kind;
}

#endif
