/* SPDX-License-Identifier: MIT */
/* A round trip with an L2 whose VMCS names all the pages that it can. docs/bench.md has the row. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_bench.h"

/* Of the two ports at 7FFFh, the second exits: so both I/O bitmaps are looked at. */
BENCH_L2_CODE(read_ports, "1: mov $0x7fff, %edx; in %dx, %ax; jmp 1b")

/* SDM "VM-Exit Controls for MSRs" */
struct entry {
	u64 index, data;
};

#define OF_L1 0x1111000ULL
#define OF_L2 0x2222000ULL

enum { IO_A, IO_B, ENTRY_LOAD, EXIT_STORE, EXIT_LOAD, LINK, PAGES };

static u64 at[PAGES], msr_before;

static void use_list(u32 page, enum vmcs_field address, enum vmcs_field count, u64 data)
{
	*(struct entry *)at[page] = (struct entry){ MSR_IA32_KERNEL_GS_BASE, data };
	vmx_write(address, at[page]);
	vmx_write(count, 1);
}

static const char *prepare(void)
{
	const char *why = vmx_bench_prepare(read_ports, true);

	if (why)
		return why;
	for (u32 i = 0; i < LINK; i++)
		at[i] = memory_page_alloc();
	at[LINK] = vmx_region_alloc();
	*(volatile u8 *)at[IO_B] = 1;
	vmx_change(VMCS_CPU_CONTROLS, CPU_IO_BITMAPS, 0);
	vmx_write(VMCS_IO_BITMAP_A, at[IO_A]);
	vmx_write(VMCS_IO_BITMAP_B, at[IO_B]);
	use_list(ENTRY_LOAD, VMCS_ENTRY_MSR_LOAD_ADDR, VMCS_ENTRY_MSR_LOAD_COUNT, OF_L2);
	use_list(EXIT_STORE, VMCS_EXIT_MSR_STORE_ADDR, VMCS_EXIT_MSR_STORE_COUNT, 0);
	use_list(EXIT_LOAD, VMCS_EXIT_MSR_LOAD_ADDR, VMCS_EXIT_MSR_LOAD_COUNT, OF_L1);
	vmx_write(VMCS_LINK_POINTER, at[LINK]);
	msr_before = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	return NULL;
}

static void round_trips(u64 iterations)
{
	while (iterations--) {
		bench_write(VMCS_GUEST_RIP, vmx_bench.start);
		if (bench_resume(0, 0) != EXIT_IO)
			vmx_bench_wrong("L2 did not come back with its access to the ports");
	}
}

static const char *finish(void)
{
	if (((const volatile struct entry *)at[EXIT_STORE])->data != OF_L2 ||
	    rdmsr(MSR_IA32_KERNEL_GS_BASE) != OF_L1)
		vmx_bench_wrong("the lists of MSRs were not carried out");
	wrmsr(MSR_IA32_KERNEL_GS_BASE, msr_before);
	vmx_write(VMCS_LINK_POINTER, ~0ULL);
	for (u32 i = 0; i < PAGES; i++)
		memory_page_free(at[i]);
	return vmx_bench_finish();
}

static const struct bench_frame frame = { prepare, finish };
BENCH_FUNCTION(rt_pages_ept, 1000, round_trips, &frame);
