/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs, and handing them jobs. */
#include "tests/guest/lib/smp.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/trap.h"

#define STACK_SIZE        8192
#define START_LIMIT       0xa0000u
#define INIT_TICKS        100000ULL  /* between INIT and SIPI */
#define LAST_ANSWER_TICKS 1000000ULL /* nobody new for so long: all are there */
#define JOB_TICKS         200000000ULL

struct cpu {
	u32 apic_id;
	u32 starts;
	u64 started_at;
	struct smp_first_look first_look;
	void *argument;
	smp_job job; /* written last by who asks, cleared by who did it */
};

/* ap.asm */
extern const u8 ap_trampoline[], ap_trampoline_end[];
extern u32 ap_lock, ap_efer;

static struct cpu cpus[CPUS_MAX];
static u8 stacks[CPUS_MAX][STACK_SIZE] __attribute__((aligned(16)));
static u32 cpu_count; /* 0: not looked for yet */
static u64 start_pages[SMP_START_PAGES];

void *smp_ap_enter(u64 page);
_Noreturn void smp_ap_main(void);

static bool wake(struct trap_frame *frame)
{
	(void)frame;
	apic_eoi();
	return true;
}

/* A CPU that was here before keeps its number. */
static u32 number_of(u32 id)
{
	for (u32 cpu = 1; cpu < CPUS_MAX; cpu++) {
		if (cpu >= cpu_count || cpus[cpu].apic_id == id)
			return cpu;
	}
	report_fatal("more than %d CPUs", CPUS_MAX);
}

/* With ap_lock held. */
void *smp_ap_enter(u64 page)
{
	u32 id = apic_initial_id(), cpu = number_of(id);

	cpus[cpu].apic_id = id;
	cpus[cpu].started_at = page;
	cpus[cpu].job = NULL;
	descriptors_load(cpu);
	WRITE_ONCE(cpu_count, MAX(cpu_count, cpu + 1));
	return stacks[cpu] + STACK_SIZE;
}

void smp_ap_main(void)
{
	struct cpu *self = &cpus[cpu_index()];

	self->first_look.apic_base = rdmsr(MSR_IA32_APIC_BASE);
	apic_find_mode();
	self->first_look.svr = apic_read(APIC_SVR);
	self->first_look.tpr = apic_read(APIC_TPR);
	self->first_look.lvt_timer = apic_read(APIC_LVT_TIMER);
	apic_reset();
	WRITE_ONCE(self->starts, self->starts + 1);
	for (;;) {
		smp_job job = READ_ONCE(self->job);

		if (job) {
			job(self->argument);
			interrupts_off();
			WRITE_ONCE(self->job, NULL);
		} else {
			/* STI holds the wake-up back until the CPU has halted. */
			__asm__ volatile("sti; hlt; cli" ::: "memory");
		}
	}
}

static void wait_ticks(u64 ticks)
{
	u64 start = rdtsc();

	while (rdtsc() - start < ticks)
		cpu_pause();
}

static void find_start_pages(void)
{
	u32 found = 0;

	for (u64 page = PAGE_SIZE; page < START_LIMIT && found < SMP_START_PAGES;
	     page += PAGE_SIZE) {
		if (memory_is_spare_page(page))
			start_pages[found++] = page;
	}
	if (found < SMP_START_PAGES)
		report_fatal("no memory below 640 KiB to start CPUs from");
}

/* Each time: tests may write what they like into spare pages. */
static void fill_start_pages(void)
{
	for (u32 i = 0; i < SMP_START_PAGES; i++)
		memcpy((void *)start_pages[i], ap_trampoline,
		       (size_t)(ap_trampoline_end - ap_trampoline));
	ap_efer = (u32)rdmsr(MSR_IA32_EFER) & (EFER_LME | EFER_NXE);
	ap_lock = 0;
}

static void send_sipi(u32 destination, u32 shorthand, u32 start_page)
{
	fill_start_pages();
	apic_send(destination, shorthand | APIC_ICR_SIPI | APIC_ICR_ASSERT |
				       (u32)(start_pages[start_page] >> PAGE_SHIFT));
}

static void wait_for_answers(void)
{
	u64 last = rdtsc();
	u32 seen = 1;

	while (rdtsc() - last < LAST_ANSWER_TICKS) {
		u32 answered = 1;

		for (u32 cpu = 1; cpu < READ_ONCE(cpu_count); cpu++)
			answered += READ_ONCE(cpus[cpu].starts) != 0;
		if (answered != seen)
			last = rdtsc();
		seen = answered;
	}
}

u32 smp_count(void)
{
	if (cpu_count)
		return cpu_count;
	cpu_count = 1;
	if (!apic_is_present())
		return cpu_count;
	apic_find_mode();
	cpus[0].apic_id = apic_id();
	apic_write(APIC_SVR, APIC_SVR_ENABLED | APIC_SPURIOUS);
	trap_set_handler(SMP_WAKE_VECTOR, wake);
	find_start_pages();
	apic_send(0, APIC_ICR_OTHERS | APIC_ICR_INIT | APIC_ICR_ASSERT);
	wait_ticks(INIT_TICKS);
	send_sipi(0, APIC_ICR_OTHERS, 0);
	wait_for_answers();
	return cpu_count;
}

u32 smp_apic_id(u32 cpu)
{
	return cpus[cpu].apic_id;
}

void smp_start(u32 cpu, smp_job job, void *argument)
{
	cpus[cpu].argument = argument;
	__atomic_store_n(&cpus[cpu].job, job, __ATOMIC_RELEASE);
	apic_send(cpus[cpu].apic_id, APIC_ICR_ASSERT | SMP_WAKE_VECTOR);
}

bool smp_finish(u32 cpu)
{
	u64 start = rdtsc();

	while (__atomic_load_n(&cpus[cpu].job, __ATOMIC_ACQUIRE)) {
		if (rdtsc() - start > JOB_TICKS)
			return false;
		cpu_pause();
	}
	return true;
}

bool smp_run(u32 cpu, smp_job job, void *argument)
{
	smp_start(cpu, job, argument);
	return smp_finish(cpu);
}

static void enter_x2apic(void *unused)
{
	(void)unused;
	apic_enter_x2apic();
}

bool smp_enter_x2apic(void)
{
	bool all = true;

	/* This CPU last: a CPU in xAPIC mode reaches one in x2APIC mode by its physical ID. */
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		smp_start(cpu, enter_x2apic, NULL);
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		all &= smp_finish(cpu);
	apic_enter_x2apic();
	return all;
}

void smp_send_init(u32 cpu)
{
	apic_send(cpus[cpu].apic_id, APIC_ICR_INIT | APIC_ICR_ASSERT);
	wait_ticks(INIT_TICKS);
}

void smp_send_sipi(u32 cpu, u32 start_page)
{
	send_sipi(cpus[cpu].apic_id, 0, start_page);
}

bool smp_wait_starts(u32 cpu, u32 starts)
{
	u64 start = rdtsc();

	while (smp_starts(cpu) < starts && rdtsc() - start < JOB_TICKS)
		cpu_pause();
	return smp_starts(cpu) >= starts;
}

bool smp_restart(u32 cpu, u32 start_page)
{
	u32 starts = smp_starts(cpu);

	smp_send_init(cpu);
	smp_send_sipi(cpu, start_page);
	return smp_wait_starts(cpu, starts + 1);
}

u32 smp_starts(u32 cpu)
{
	return READ_ONCE(cpus[cpu].starts);
}

u64 smp_started_at(u32 cpu)
{
	return cpus[cpu].started_at;
}

struct smp_first_look smp_first_look(u32 cpu)
{
	return cpus[cpu].first_look;
}

u64 smp_start_page(u32 start_page)
{
	return start_pages[start_page];
}
