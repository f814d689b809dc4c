/* SPDX-License-Identifier: MIT */
/*
 * Starting the application processors. A CPU finds its own struct by its APIC
 * id and claims it; a claim that the boot CPU has withdrawn is refused,
 * so a CPU that comes too late stops instead of running unexpected.
 */
#include "hv/smp.h"
#include "hv/apic.h"
#include "hv/idt.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/paging.h"
#include "hv/panic.h"
#include "hv/segments.h"
#include "hv/stack.h"
#include "hv/string.h"
#include "hv/x86.h"

/* In TSC cycles, generous at any clock:
 * CPUs with EPT need no pause after INIT, and start within microseconds. */
#define INIT_PAUSE    100000ULL
#define FIRST_SIPI    2000000ULL
#define GIVE_UP_AFTER 2000000000ULL

enum claim { CLAIM_NONE, CLAIM_OFFERED, CLAIM_TAKEN };

/* hv/ap.asm: the trampoline's text, what is filled in before it is used, and where it leads. */
#pragma GCC visibility push(hidden)
extern const u8 ap_trampoline[], ap_trampoline_end[];
extern const u8 ap_param_start[], ap_param_cr0[], ap_param_cr3[], ap_param_cr4[], ap_param_efer[];
extern const u32 ap_relocations[], ap_relocations_end[];
void ap_start(void);
#pragma GCC visibility pop

struct ap_identity {
	struct cpu *cpu; /* NULL: nobody waits for this CPU */
	u64 stack_top;
};

struct ap_identity ap_claim(void);
_Noreturn void ap_main(struct cpu *cpu);

/* enum claim; exchanged atomically between the boot CPU and the starting one */
static u32 claims[BOOT_CPUS_MAX];
static u32 released; /* set with release when the trampoline is unmapped, read with acquire */
static u64 trampoline;
static void (*ap_entry)(struct cpu *cpu);

static u8 *in_trampoline(u64 offset)
{
	return (u8 *)(uintptr_t)trampoline + offset;
}

static void set_parameter(const u8 *parameter, u64 value)
{
	u32 low = (u32)value;

	ASSERT(value == low);
	memcpy(in_trampoline((u64)(parameter - ap_trampoline)), &low, sizeof(low));
}

void smp_prepare(const struct boot_info *info)
{
	struct paging_registers registers = paging_registers();
	u64 start = (uintptr_t)ap_start;

	trampoline = info->trampoline;
	ASSERT(trampoline < MIB && IS_ALIGNED(trampoline, PAGE_SIZE));
	memcpy(in_trampoline(0), ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	for (const u32 *offset = ap_relocations; offset < ap_relocations_end; offset++) {
		u32 value;

		memcpy(&value, in_trampoline(*offset), sizeof(value));
		value += (u32)trampoline;
		memcpy(in_trampoline(*offset), &value, sizeof(value));
	}
	memcpy(in_trampoline((u64)(ap_param_start - ap_trampoline)), &start, sizeof(start));
	set_parameter(ap_param_cr0, registers.cr0);
	set_parameter(ap_param_cr3, registers.cr3);
	set_parameter(ap_param_cr4, registers.cr4);
	set_parameter(ap_param_efer, registers.efer & ~(u64)EFER_LMA);
}

/* On the shared start-up stack, without GS: no log, no panic here. */
struct ap_identity ap_claim(void)
{
	u32 id = apic_id();

	for (u32 i = 1; i < cpu_count(); i++) {
		u32 expected = CLAIM_OFFERED;

		if (cpu_get(i)->apic_id == id &&
		    __atomic_compare_exchange_n(&claims[i], &expected, CLAIM_TAKEN, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return (struct ap_identity){ cpu_get(i), stack_top(i, STACK_MAIN) };
	}
	return (struct ap_identity){ NULL, 0 };
}

/* The trampoline may be in this CPU's TLB: it is forgotten before anything else runs. */
_Noreturn void ap_main(struct cpu *cpu)
{
	segments_load(cpu);
	idt_load();
	paging_set_memory_types();
	apic_init();
	__atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		cpu_pause();
	invlpg((const void *)(uintptr_t)trampoline);
	ap_entry(cpu);
	panic("the main function of CPU %u returned", cpu->index);
}

static bool wait_online(const struct cpu *cpu, u64 cycles)
{
	u64 start = rdtsc();

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (rdtsc() - start > cycles)
			return false;
		cpu_pause();
	}
	return true;
}

/* false: it did not come, and is not wanted any more. */
static bool start_one(struct cpu *cpu)
{
	u32 expected = CLAIM_OFFERED;

	__atomic_store_n(&claims[cpu->index], CLAIM_OFFERED, __ATOMIC_RELEASE);
	apic_send_init(cpu->apic_id);
	wait_online(cpu, INIT_PAUSE);
	apic_send_startup(cpu->apic_id, trampoline);
	if (wait_online(cpu, FIRST_SIPI))
		return true;
	apic_send_startup(cpu->apic_id, trampoline);
	if (wait_online(cpu, GIVE_UP_AFTER))
		return true;
	if (__atomic_compare_exchange_n(&claims[cpu->index], &expected, CLAIM_NONE, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		/* Back to waiting for a SIPI, away from the trampoline. */
		apic_send_init(cpu->apic_id);
		return false;
	}
	return wait_online(cpu, GIVE_UP_AFTER);
}

u32 smp_start(void (*entry)(struct cpu *cpu))
{
	u32 online = 1;

	ap_entry = entry;
	for (u32 i = 1; i < cpu_count(); i++) {
		struct cpu *cpu = cpu_get(i);

		if (start_one(cpu))
			online++;
		else
			log_line("smp",
				 "the CPU with APIC id %u does not start; going on without it",
				 cpu->apic_id);
	}
	paging_unmap(trampoline);
	__atomic_store_n(&released, 1, __ATOMIC_RELEASE);
	return online;
}
