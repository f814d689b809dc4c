/* SPDX-License-Identifier: MIT */
/* The local APIC's registers: which there are, power-up state, xAPIC accesses, and what storing
 * into each does in either mode. */
#include "vmx/lapic_private.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/string.h"

#define READ_ONLY                                     \
	{                                             \
		.exists = true, .msr_readable = true, \
	}
#define READ_WRITE(kept_, ignored_)                                                       \
	{                                                                                 \
		.kept = (kept_), .ignored = (ignored_), .exists = true, .writable = true, \
		.msr_readable = true, .msr_writable = true,                               \
	}
#define XAPIC_ONLY(kept_)                                          \
	{                                                          \
		.kept = (kept_), .exists = true, .writable = true, \
	}
#define NUMBER(offset) ((offset) / LAPIC_STRIDE)

/* Vector, mask, read-only delivery status. */
#define LVT_BITS       (LVT_MASKED | 0xffu)
#define LVT_STATUS     (1u << 12)
#define LVT_MODE_BITS  0x700u
#define LINT_BITS      (LVT_BITS | LVT_MODE_BITS | LVT_LEVEL | 1u << 13)
#define TIMER_BITS     (LVT_BITS | 3u << 17)
#define ICR_BITS       (0xffu | 0x700u | ICR_LOGICAL | ICR_ASSERT | ICR_LEVEL | 3u << 18)

/* SDM "Local APIC Register Address Map" and "x2APIC Register Address Space". */
static const struct lapic_rule rules[LAPIC_REGISTERS] = {
	[NUMBER(LAPIC_ID)] = READ_ONLY,
	[NUMBER(LAPIC_VERSION)] = READ_ONLY,
	[NUMBER(LAPIC_TPR)] = READ_WRITE(0xff, 0),
	[NUMBER(LAPIC_APR)] = { .exists = true },
	[NUMBER(LAPIC_PPR)] = READ_ONLY,
	[NUMBER(LAPIC_EOI)] = { .exists = true, .writable = true, .msr_writable = true },
	[NUMBER(LAPIC_RRD)] = { .exists = true },
	[NUMBER(LAPIC_LDR)] = { .kept = 0xff000000,
				.exists = true,
				.writable = true,
				.msr_readable = true },
	[NUMBER(LAPIC_DFR)] = XAPIC_ONLY(0xf0000000),
	[NUMBER(LAPIC_SVR)] = READ_WRITE(0x3ff, 0),
	[NUMBER(LAPIC_ISR)... NUMBER(LAPIC_IRR) + 7] = READ_ONLY, /* ISR, TMR, IRR */
	[NUMBER(LAPIC_ESR)] = READ_WRITE(0, 0),
	[NUMBER(LAPIC_ICR)] = READ_WRITE(ICR_BITS, ICR_BUSY),
	[NUMBER(LAPIC_ICR2)] = XAPIC_ONLY(0xff000000),
	[NUMBER(LAPIC_LVT_TIMER)] = READ_WRITE(TIMER_BITS, LVT_STATUS),
	[NUMBER(LAPIC_LVT_THERMAL)] = READ_WRITE(LVT_BITS | LVT_MODE_BITS, LVT_STATUS),
	[NUMBER(LAPIC_LVT_COUNTERS)] = READ_WRITE(LVT_BITS | LVT_MODE_BITS, LVT_STATUS),
	[NUMBER(LAPIC_LVT_LINT0)] = READ_WRITE(LINT_BITS, LVT_STATUS | LVT_REMOTE_IRR),
	[NUMBER(LAPIC_LVT_LINT1)] = READ_WRITE(LINT_BITS, LVT_STATUS | LVT_REMOTE_IRR),
	[NUMBER(LAPIC_LVT_ERROR)] = READ_WRITE(LVT_BITS, LVT_STATUS),
	[NUMBER(LAPIC_TMICT)] = READ_WRITE(0xffffffff, 0),
	[NUMBER(LAPIC_TMCCT)] = READ_ONLY,
	[NUMBER(LAPIC_TDCR)] = READ_WRITE(0xb, 0),
	[NUMBER(LAPIC_SELF_IPI)] = { .kept = 0xff, .msr_writable = true },
};

const struct lapic_rule *lapic_rule(u32 offset)
{
	return offset % LAPIC_STRIDE == 0 && offset / LAPIC_STRIDE < LAPIC_REGISTERS
		       ? &rules[offset / LAPIC_STRIDE]
		       : NULL;
}

/* SDM "Logical Destination Mode in x2APIC Mode". */
static u32 x2apic_ldr(u32 id)
{
	return (id & 0xffff0u) << 12 | 1u << (id & 0xf);
}

/* The registers whose format is the mode's. */
static void set_identity(struct lapic *lapic)
{
	bool wide = lapic_mode(lapic) == LAPIC_X2APIC;

	lapic_set_reg(lapic, LAPIC_ID, wide ? lapic->id : lapic->id << 24);
	if (wide)
		lapic_set_reg(lapic, LAPIC_LDR, x2apic_ldr(lapic->id));
}

/* SDM "Local APIC State After Power-Up or Reset"; after INIT it is the same but for the id. */
void lapic_reset_registers(struct lapic *lapic)
{
	memset(lapic->page, 0, PAGE_SIZE);
	lapic->errors = 0;
	lapic->remote_irr = 0;
	lapic->enabled = false;
	lapic->tmr_changed = true;
	lapic_set_reg(lapic, LAPIC_VERSION, VERSION_VALUE);
	lapic_set_reg(lapic, LAPIC_DFR, 0xffffffff);
	lapic_set_reg(lapic, LAPIC_SVR, 0xff);
	lapic_mask_local_vectors(lapic);
	lapic_timer_reset(lapic);
	set_identity(lapic);
	lapic_update_ppr(lapic);
	lapic_publish(lapic);
}

/* The other registers keep their values (SDM "x2APIC Transitions From xAPIC Mode"). In this mode
 * the ICR is one register of 64 bits. */
void lapic_enter_x2apic(struct lapic *lapic)
{
	set_identity(lapic);
	lapic_set_reg(lapic, LAPIC_ICR + 4, lapic_reg(lapic, LAPIC_ICR2));
	lapic_set_reg(lapic, LAPIC_ICR2, 0);
	lapic_publish(lapic);
}

void lapic_create(struct lapic *lapic, const struct lapic_config *config)
{
	ASSERT(config->tsc_per_tick >= 1 && config->tsc_per_tick <= 0xffff);
	memset(lapic, 0, sizeof(*lapic));
	lapic->page = config->page;
	lapic->id = config->id;
	lapic->physical_bits = config->physical_bits;
	lapic->tsc_per_tick = config->tsc_per_tick;
	lapic->base = LAPIC_DEFAULT_BASE | BIT(11) | (config->is_bsp ? BIT(8) : 0);
	lapic->waits_for_sipi = !config->is_bsp;
	lapic_reset_registers(lapic);
}

void lapic_catch_up(struct lapic *lapic, u64 now)
{
	lapic_collect(lapic);
	lapic_timer_expire(lapic, now);
}

u32 lapic_load_register(struct lapic *lapic, u32 offset, u64 now)
{
	if (offset == LAPIC_TMCCT)
		return lapic_timer_count(lapic, now);
	if (offset == LAPIC_PPR)
		lapic_update_ppr(lapic);
	return lapic_reg(lapic, offset);
}

static struct lapic_effect write_svr(struct lapic *lapic, u32 value)
{
	bool was_enabled = lapic->enabled;

	lapic_set_reg(lapic, LAPIC_SVR, value);
	lapic->enabled = value & SVR_ENABLE;
	if (!lapic->enabled)
		lapic_mask_local_vectors(lapic);
	lapic_publish(lapic);
	return lapic_effect(lapic->enabled != was_enabled ? LAPIC_MODE : LAPIC_NOTHING);
}

/* The write shows what was detected since the last one, and rearms the error interrupt. */
static void write_esr(struct lapic *lapic)
{
	lapic_set_reg(lapic, LAPIC_ESR, lapic->errors);
	lapic->errors = 0;
}

static struct lapic_effect store_timer(struct lapic *lapic, u32 offset, u32 value, u64 now)
{
	if (offset == LAPIC_LVT_TIMER) {
		lapic_write_lvt(lapic, offset, value);
		lapic_timer_set_mode(lapic, LVT_TIMER_MODE(value));
	} else if (offset == LAPIC_TMICT) {
		lapic_timer_set_count(lapic, value, now);
	} else {
		lapic_timer_set_divide(lapic, value, now);
	}
	return lapic_effect(LAPIC_TIMER);
}

struct lapic_effect lapic_store_register(struct lapic *lapic, u32 offset, u32 value, u64 now)
{
	switch (offset) {
	case LAPIC_TPR:
		lapic_set_reg(lapic, offset, value);
		lapic_update_ppr(lapic);
		break;
	case LAPIC_EOI:
		lapic_set_reg(lapic, offset, 0);
		return lapic_eoi(lapic);
	case LAPIC_DFR:
		value |= DFR_ONES;
		/* fall through */
	case LAPIC_LDR:
	case LAPIC_ICR2:
		lapic_set_reg(lapic, offset, value);
		break;
	case LAPIC_SVR:
		return write_svr(lapic, value);
	case LAPIC_ESR:
		write_esr(lapic);
		break;
	case LAPIC_ICR:
		lapic_set_reg(lapic, offset, value);
		return lapic_send(lapic, value, lapic_reg(lapic, LAPIC_ICR2) >> 24);
	case LAPIC_TMICT:
	case LAPIC_TDCR:
	case LAPIC_LVT_TIMER:
		return store_timer(lapic, offset, value, now);
	default:
		lapic_write_lvt(lapic, offset, value);
		break;
	}
	lapic_publish(lapic);
	return lapic_effect(LAPIC_NOTHING);
}

u32 lapic_read(struct lapic *lapic, u32 offset, u64 now)
{
	const struct lapic_rule *rule = lapic_rule(offset);

	if (lapic_mode(lapic) != LAPIC_XAPIC)
		return ~0u;
	lapic_catch_up(lapic, now);
	if (!rule || !rule->exists) {
		lapic_error(lapic, ESR_REGISTER);
		return 0;
	}
	return lapic_load_register(lapic, offset, now);
}

struct lapic_effect lapic_write(struct lapic *lapic, u32 offset, u32 value, u64 now)
{
	const struct lapic_rule *rule = lapic_rule(offset);

	if (lapic_mode(lapic) != LAPIC_XAPIC)
		return lapic_effect(LAPIC_NOTHING);
	lapic_catch_up(lapic, now);
	if (rule && rule->writable)
		return lapic_store_register(lapic, offset, value & rule->kept, now);
	if (!rule || !rule->exists)
		lapic_error(lapic, ESR_REGISTER);
	if (offset == LAPIC_ID) /* the CPU may have stored the value */
		set_identity(lapic);
	return lapic_effect(LAPIC_NOTHING);
}

/* Of an access to a part of a register, the CPU tells where the part lies. */
struct lapic_effect lapic_written(struct lapic *lapic, u32 offset, u64 now)
{
	u32 reg = offset / LAPIC_STRIDE * LAPIC_STRIDE;
	u32 value = lapic_reg(lapic, reg);

	if (lapic_mode(lapic) == LAPIC_X2APIC)
		return lapic_msr_write(lapic, MSR_X2APIC_FIRST + reg / LAPIC_STRIDE, value, now);
	return lapic_write(lapic, reg, value, now);
}
