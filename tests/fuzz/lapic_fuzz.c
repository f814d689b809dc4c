/* SPDX-License-Identifier: MIT */
/* Any sequence of accesses, posts, pins and time steps to one local APIC: no fault, and after each
 * step what must always hold, holds. */
#include <assert.h>
#include <string.h>
#include "hv/msr_index.h"
#include "vmx/lapic.h"

#define NEAR 0x100000u

static u32 page[1024];
static struct lapic lapic;

struct step {
	u8 what;
	u8 number;
	u8 extra[2];
	u32 value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static u32 word(u32 offset)
{
	return page[offset / 4];
}

static void check_page(void)
{
	u32 illegal = (word(LAPIC_IRR) | word(LAPIC_ISR) | word(LAPIC_TMR)) & 0xffff;
	bool wide = lapic_mode_of(lapic.base) == LAPIC_X2APIC;

	assert(illegal == 0);
	for (u32 offset = 0; offset < PAGE_SIZE; offset += 4)
		if ((offset % 16 || offset >= 0x3f0) && !(wide && offset == LAPIC_ICR + 4))
			assert(word(offset) == 0);
	assert(word(LAPIC_ID) == (wide ? lapic.id : lapic.id << 24));
	assert(word(LAPIC_VERSION) == VERSION_VALUE);
	assert(lapic.enabled == !!(word(LAPIC_SVR) & SVR_ENABLE));
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		assert(lapic.enabled || (word(lvt) & LVT_MASKED));
	assert(!(lapic.base & APIC_BASE_X2APIC) || (lapic.base & APIC_BASE_ENABLED));
}

static void check(u64 now)
{
	int vector = lapic_pending_vector(&lapic);
	u32 isr = lapic_highest_isr(&lapic) < 0 ? 0 : (u32)lapic_highest_isr(&lapic);
	u64 deadline = lapic_timer_deadline(&lapic, now);

	check_page();
	assert(vector < 0 || vector == lapic_highest_irr(&lapic));
	assert(vector < 0 || (u32)vector >> 4 > MAX(isr >> 4, word(LAPIC_TPR) >> 4));
	assert(vector < 0 || lapic_tpr_threshold(&lapic) == 0);
	assert(lapic_cr8(&lapic) >= lapic_tpr_threshold(&lapic));
	if (deadline <= now)
		assert(lapic_timer_expire(&lapic, now));
	assert(lapic_timer_deadline(&lapic, now) > now);
}

static void access_register(const struct step *step, u64 now)
{
	u64 value = 0;
	u32 offset = step->number * 16u;

	switch (step->what >> 4 & 3) {
	case 0:
		lapic_write(&lapic, offset, step->value, now);
		break;
	case 1:
		lapic_read(&lapic, offset, now);
		break;
	case 2:
		lapic_msr_write(&lapic, 0x800u + step->number,
				step->value | (u64)step->extra[0] << 32, now);
		break;
	default:
		lapic_msr_read(&lapic, 0x800u + step->number, now, &value);
		assert(value >> 32 == 0 || step->number == 0x30);
		break;
	}
}

static void signal_something(const struct step *step)
{
	const struct apic_message message = {
		.destination = step->value,
		.vector = step->number,
		.mode = step->extra[0] & 7,
		.shorthand = step->extra[1] & 3,
		.trigger = step->extra[1] >> 2 & 1,
		.logical = step->extra[1] & 8,
		.wide = step->extra[1] & 16,
	};

	if (step->what & 0x80)
		lapic_set_lint(&lapic, step->number & 1, step->value & 1);
	else if (lapic_matches(&lapic, &message))
		lapic_deliver(&lapic, &message);
	lapic_collect(&lapic);
}

static void take_events(const struct step *step, u64 now)
{
	int vector = lapic_pending_vector(&lapic);

	if (vector >= 0)
		assert(lapic_acknowledge(&lapic, (u8)vector) == vector);
	if (step->what & 0x10)
		lapic_take_init(&lapic);
	if (step->what & 0x20)
		assert(lapic_take_sipi(&lapic) < 256);
	if (step->what & 0x40)
		lapic_set_tsc_deadline(&lapic, now + step->value, now);
	if (step->what & 0x80)
		lapic_set_tsc_offset(&lapic, step->value, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lapic_config config = {
		.page = page, .id = 3, .physical_bits = 40, .tsc_per_tick = 3
	};
	u64 now = 1;
	struct step step;

	lapic_create(&lapic, &config);
	lapic_write(&lapic, LAPIC_SVR, 0x1ff, 0);
	for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		now += step.what & 8 ? step.value : step.value % NEAR;
		switch (step.what & 7) {
		case 0:
			signal_something(&step);
			break;
		case 1:
			take_events(&step, now);
			break;
		case 2:
			lapic_write_base(&lapic,
					 (u64)(step.number & 3) << 10 | (step.value & 0xfffff100));
			break;
		default:
			access_register(&step, now);
			break;
		}
		check(now);
	}
	return 0;
}
