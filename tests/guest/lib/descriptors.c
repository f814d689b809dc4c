/* SPDX-License-Identifier: MIT */
/* The guest's GDT, IDT and one TSS a CPU: one gate a vector; #DF and NMI on a stack of their own.
 */
#include "tests/guest/lib/descriptors.h"
#include "hv/descriptors.h"
#include "hv/vectors.h"

#define TRAP_STACK_SIZE 8192
#define GATE_DPL3       0x60u
#define GATE_PRESENT    0x80u

/* trap.asm */
extern const u64 trap_stubs[256];

enum trap_stack { STACK_RING0, STACK_NMI, STACK_DF, TRAP_STACKS };

/* Accessed bits are set, so that loading a selector writes nothing. The TSSs follow, two entries
 * each. */
static u64 gdt[GDT_ENTRIES] = {
	[KERNEL_CS / 8] = 0x00af9b000000ffff,
	[KERNEL_DS / 8] = 0x00cf93000000ffff,
	[USER_DS / 8] = 0x00cff3000000ffff,
	[USER_CS / 8] = 0x00affb000000ffff,
	[NOT_PRESENT / 8] = 0x00cf13000000ffff,
	[CODE32 / 8] = 0x00cf9b000000ffff,
	[SMALL_READ_ONLY / 8] = 0x0040910000000000 | SMALL_LIMIT,
	[CODE32_LONG / 8] = 0x00ef9b000000ffff,
	[CODE16 / 8] = 0x00009b000000ffff,
	[DATA16 / 8] = 0x000093000000ffff,
	[TSS16 / 8] = 0x000081000000002b,
	[USER_CODE32 / 8] = 0x00cffb000000ffff,
};
static struct gate idt[256];
static struct tss tsss[CPUS_MAX];
static u8 stacks[CPUS_MAX][TRAP_STACKS][TRAP_STACK_SIZE] __attribute__((aligned(16)));

const struct table_pointer descriptor_gdt_pointer = { sizeof(gdt) - 1, (u64)gdt };
const struct table_pointer descriptor_idt_pointer = { sizeof(idt) - 1, (u64)idt };

static void set_gate(u8 vector, u64 stub)
{
	idt[vector] = (struct gate){
		.offset_low = (u16)stub,
		.selector = KERNEL_CS,
		.type = vector == USER_INTERRUPT ? GATE_INTERRUPT | GATE_DPL3 : GATE_INTERRUPT,
		.offset_middle = (u16)(stub >> 16),
		.offset_high = (u32)(stub >> 32),
	};
}

void descriptor_set_handler(u8 vector, const char *code)
{
	u8 stack = idt[vector].stack;

	set_gate(vector, code ? (u64)code : trap_stubs[vector]);
	idt[vector].stack = stack;
}

void descriptor_set_gate_present(u8 vector, bool present)
{
	u8 type = (u8)(idt[vector].type & ~GATE_PRESENT);

	WRITE_ONCE(idt[vector].type, present ? (u8)(type | GATE_PRESENT) : type);
}

static u64 stack_top(u32 cpu, enum trap_stack stack)
{
	return (u64)(stacks[cpu][stack] + TRAP_STACK_SIZE);
}

void descriptor_use_nmi_stack(u8 vector, bool use)
{
	WRITE_ONCE(idt[vector].stack, use ? STACK_NMI : 0);
}

u64 descriptor_nmi_stack_top(u32 cpu)
{
	return stack_top(cpu, STACK_NMI);
}

/* Afresh each time: the descriptor of a TSS that was loaded before an INIT is still marked busy. */
static void make_tss(u32 cpu)
{
	struct tss *tss = &tsss[cpu];
	u64 base = (u64)tss, *descriptor = &gdt[TSS_SELECTOR / 8 + 2 * cpu];

	tss->rsp[0] = stack_top(cpu, STACK_RING0);
	tss->ist[0] = stack_top(cpu, STACK_NMI);
	tss->ist[1] = stack_top(cpu, STACK_DF);
	tss->io_bitmap = sizeof(*tss);
	descriptor[0] = (sizeof(*tss) - 1) | (base & BITS(23, 0)) << 16 | 0x89ULL << 40 |
			(base & BITS(31, 24)) << 32;
	descriptor[1] = base >> 32;
}

void descriptors_load(u32 cpu)
{
	make_tss(cpu);
	__asm__ volatile("lidt %0" ::"m"(descriptor_idt_pointer));
	__asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR + 16 * cpu) : "memory");
}

void descriptors_init(void)
{
	for (unsigned int vector = 0; vector < 256; vector++)
		set_gate((u8)vector, trap_stubs[vector]);
	idt[VECTOR_NMI].stack = 1;
	idt[VECTOR_DF].stack = 2;
	descriptors_load(0);
}
