/* SPDX-License-Identifier: MIT */
/* Counts of interrupts by CPU and vector. Each CPU writes its own row only. */
#include "tests/guest/lib/irq.h"
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/pic.h"

struct line {
	irq_hook hook;
	enum irq_ack ack;
};

static struct line lines[256];
static u32 counts[CPUS_MAX][256];
static u8 order[IRQ_ORDER_MAX];
static u32 order_count;

static void acknowledge(u8 vector)
{
	switch (lines[vector].ack) {
	case IRQ_ACK_APIC:
		apic_eoi();
		return;
	case IRQ_ACK_PIC:
		pic_eoi(vector - PIC_VECTOR);
		return;
	case IRQ_ACK_NONE:
		return;
	}
}

static bool handle(struct trap_frame *frame)
{
	u8 vector = (u8)frame->vector;
	u32 cpu = cpu_index();

	WRITE_ONCE(counts[cpu][vector], counts[cpu][vector] + 1);
	if (cpu == 0 && order_count < IRQ_ORDER_MAX)
		order[order_count++] = vector;
	if (lines[vector].hook)
		lines[vector].hook(frame);
	acknowledge(vector);
	return true;
}

static void set_handlers(trap_handler handler)
{
	for (u32 vector = IRQ_FIRST; vector <= IRQ_LAST; vector++)
		trap_set_handler((u8)vector, handler);
	trap_set_handler(APIC_SPURIOUS, handler);
	trap_set_handler(VECTOR_NMI, handler);
}

void irq_begin(void)
{
	interrupts_off();
	memset(counts, 0, sizeof(counts));
	memset(order, 0, sizeof(order));
	memset(lines, 0, sizeof(lines));
	order_count = 0;
	lines[APIC_SPURIOUS].ack = IRQ_ACK_NONE;
	lines[VECTOR_NMI].ack = IRQ_ACK_NONE;
	set_handlers(handle);
}

void irq_end(void)
{
	interrupts_off();
	set_handlers(NULL);
}

void irq_set(u8 vector, enum irq_ack ack, irq_hook hook)
{
	lines[vector] = (struct line){ hook, ack };
}

u32 irq_count_on(u32 cpu, u8 vector)
{
	return READ_ONCE(counts[cpu][vector]);
}

u32 irq_count(u8 vector)
{
	return irq_count_on(cpu_index(), vector);
}

u32 irq_count_sum(u8 vector)
{
	u32 sum = 0;

	for (u32 cpu = 0; cpu < CPUS_MAX; cpu++)
		sum += irq_count_on(cpu, vector);
	return sum;
}

u8 irq_order(u32 i)
{
	return order[i];
}

void irq_listen(u64 ticks)
{
	u64 start = rdtsc();

	do {
		irq_window();
	} while (rdtsc() - start < ticks);
}

bool irq_wait_ticks(u8 vector, u32 count, u64 ticks)
{
	u64 start = rdtsc();

	while (irq_count(vector) < count && rdtsc() - start < ticks)
		irq_window();
	return irq_count(vector) >= count;
}

bool irq_wait(u8 vector, u32 count)
{
	return irq_wait_ticks(vector, count, IRQ_WAIT_TICKS);
}

bool irq_wait_on(u32 cpu, u8 vector, u32 count)
{
	u64 start = rdtsc();

	while (irq_count_on(cpu, vector) < count && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	return irq_count_on(cpu, vector) >= count;
}
