/* SPDX-License-Identifier: MIT */
/* The boot order. Each step is a function of its own;
 * what fails here fails for good, in one line. */
#include "hv/main.h"
#include "hv/apic.h"
#include "hv/cpu.h"
#include "hv/idt.h"
#include "hv/log.h"
#include "hv/machine.h"
#include "hv/paging.h"
#include "hv/panic.h"
#include "hv/panic_test.h"
#include "hv/percpu.h"
#include "hv/platform.h"
#include "hv/report.h"
#include "hv/segments.h"
#include "hv/smp.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "mm/page.h"
#include "mm/window.h"
#include "vmx/caps_log.h"
#include "vmx/cpu_vmx.h"
#include "vmx/host_ept.h"
#include "vmx/request.h"

/* Free RAM is the guest pool; the host pool was set aside by the boot code. */
static void memory_init(const struct boot_info *info)
{
	static struct page_range guest[BOOT_RANGES_MAX];
	struct page_range host = { hpa(info->pool_base), info->pool_size };
	u32 count = 0;

	for (u32 i = 0; i < info->range_count; i++)
		if (info->ranges[i].type == BOOT_RAM)
			guest[count++] = (struct page_range){ hpa(info->ranges[i].base),
							      info->ranges[i].size };
	if (page_init(host, guest, count))
		panic("the host pool of %llu MiB is too small for its books",
		      (unsigned long long)(info->pool_size / MIB));
}

static void windows_init(void)
{
	u32 count = window_pte_count(cpu_count());
	u64 *ptes = paging_reserve(WINDOW_BASE, count);

	if (!ptes)
		panic("no memory for the page tables of %u windows", count);
	window_init(ptes, cpu_count());
}

/* An application processor in VMX root: it waits for the VM, runs its vCPU, and waits again. */
static void ap_main(struct cpu *cpu)
{
	if (vmx_cpu_enter())
		panic("CPU %u: no VMX operation", cpu->index);
	__atomic_store_n(&cpu->in_vmx_root, 1, __ATOMIC_RELEASE);
	machine_join();
	for (;;)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static void start_cpus(void)
{
	u32 online = smp_start(ap_main);

	if (vmx_cpu_enter())
		panic("CPU 0: no VMX operation");
	this_cpu()->in_vmx_root = 1;
	for (u32 i = 0; i < cpu_count(); i++)
		while (__atomic_load_n(&cpu_get(i)->online, __ATOMIC_ACQUIRE) &&
		       !__atomic_load_n(&cpu_get(i)->in_vmx_root, __ATOMIC_ACQUIRE))
			cpu_pause();
	log_line("smp", "%u of %u CPUs in VMX root", online, cpu_count());
}

/* On L0's own page tables and stack: nothing of the firmware is left. */
static void run_on_own_tables(void *argument)
{
	struct boot_info *info = argument;
	u32 code;

	apic_init();
	windows_init();
	tsc_measure();
	apic_timer_measure();
	host_ept_init();
	if (info->config.log & LOG_CAPS)
		caps_log();
	panic_test_run(info->config.panic_test);
	request_init();
	start_cpus();
	code = machine_run(info);
	report_print(info);
	platform_end(code);
}

void nestor_main(struct boot_info *info)
{
	platform_init(info);
	memory_init(info);
	if (cpu_init(info, page_alloc))
		panic("no memory for the books of %u CPUs", info->cpu_count);
	segments_load(cpu_get(0));
	idt_load(); /* from here on a fault of ours gets our dump */
	platform_log_microcode();
	if (paging_init(info, page_alloc))
		panic("L0's page tables could not be built in a pool of %llu MiB",
		      (unsigned long long)(info->pool_size / MIB));
	smp_prepare(info);
	machine_plan(info);
	paging_activate(run_on_own_tables, info);
}
