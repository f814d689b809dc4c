/* SPDX-License-Identifier: MIT */
/* The frame around the benches of VMX. */
#include "tests/guest/lib/vmx_bench.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/ept12.h"

#define VMCALL_BYTES 3

/* vmx_bench.asm */
void bench_landing(void);

/* From the start of a page on: two L2s that take turns have their VMCS pointers, the operands of
 * VMPTRLD, in one page. */
_Alignas(PAGE_SIZE) struct vmx_bench vmx_bench;
static const char *wrong;

static const char *lacks(bool has_ept)
{
	const char *why = vmx_lacks();

	if (!why && has_ept)
		why = ept12_lacks();
	return why;
}

/* To where it has told that it started; from then on its exits land in vmx_bench.asm. */
static void start(struct l2 *l2, void (*code)(void))
{
	l2_create(l2, code, 0, vmx_bench.eptp ? CPU_SECONDARY : 0);
	if (vmx_bench.eptp) {
		vmx_write(VMCS_CPU_CONTROLS2, CPU2_ENABLE_EPT);
		vmx_write(VMCS_EPT_POINTER, vmx_bench.eptp);
	}
	if (l2_enter(l2) != EXIT_VMCALL) {
		vmx_bench_wrong("an L2 did not start");
		return;
	}
	vmx_write(VMCS_GUEST_RIP, vmx_bench.start);
	vmx_write(VMCS_HOST_RIP, (u64)bench_landing);
}

static const char *prepare(void (*code)(void), bool has_ept, u32 count)
{
	const char *why = lacks(has_ept);

	if (why)
		return why;
	wrong = NULL;
	vmx_on();
	vmx_bench.current = 0;
	vmx_bench.start = (u64)code + VMCALL_BYTES;
	vmx_bench.eptp = has_ept ? ept12_create() : 0;
	vmx_bench.count = count;
	for (u32 i = 0; i < count; i++)
		start(&vmx_bench.l2s[i], code);
	l2_load(&vmx_bench.l2s[0]);
	return NULL;
}

const char *vmx_bench_prepare(void (*code)(void), bool has_ept)
{
	return prepare(code, has_ept, BENCH_L2S);
}

const char *vmx_bench_prepare_many(void (*code)(void), u32 count)
{
	return prepare(code, true, count);
}

const char *vmx_bench_finish(void)
{
	for (u32 i = 0; i < vmx_bench.count; i++)
		l2_destroy(&vmx_bench.l2s[i]);
	if (vmx_bench.eptp)
		ept12_destroy(vmx_bench.eptp);
	vmx_off();
	/* An exit gives both tables the largest limit. */
	__asm__ volatile("lgdt %0; lidt %1" ::"m"(descriptor_gdt_pointer),
			 "m"(descriptor_idt_pointer));
	return wrong;
}

void vmx_bench_wrong(const char *what)
{
	wrong = what;
}

void vmx_bench_round_trips(u64 iterations)
{
	while (iterations--) {
		if (bench_resume(0, 0) != EXIT_VMCALL)
			vmx_bench_wrong("L2 did not come back with VMCALL");
	}
}
