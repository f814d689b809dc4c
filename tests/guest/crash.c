/* SPDX-License-Identifier: MIT */
/*
 * An image that ends badly on purpose, so that what is said about it can be tested:
 *
 *     crash=triple  a triple fault (the default)
 *     crash=idt     a triple fault, since the IDT is not mapped
 *     crash=stack   a triple fault, since #DF has no stack
 *     crash=hang    a loop that never ends
 *     crash=halt    HLT with interrupts off: nothing wakes it
 *     crash=ud      an exception that the guest library itself reports
 *     crash=deaf    a CPU that answers no kick of Nestor's, and a change of memory that kicks it
 *     crash=apic    an L2 whose APIC-access page is where no memory is
 *     crash=hole    reads and writes physical memory where there is none; all ones is what a
 * machine without it reads
 *     crash=off     ACPI's way to switch the machine off
 *     crash=reset   ACPI's reset register
 */
#include "hv/vectors.h"
#include "hv/x86.h"
#include "tests/guest/lib/acpi.h"
#include "tests/guest/lib/cmdline.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/init.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx.h"

/* Above the RAM and below the local APIC of the machines that tests run on. */
#define HOLE        0xd0000000ULL
#define NOT_MAPPED  0x8000000000ULL /* linear */

/* PM1 control: SLP_TYP, SLP_EN. */
#define SLEEP(type) ((u16)((type) << 10 | BIT(13)))

static void crash_triple(void)
{
	static const struct table_pointer empty;

	__asm__ volatile("lidt %0; ud2" ::"m"(empty));
}

static void crash_idt(void)
{
	static const struct table_pointer nowhere = { .limit = 0xfff, .base = NOT_MAPPED };

	__asm__ volatile("lidt %0; ud2" ::"m"(nowhere));
}

/* #DF goes where RSP is, as #UD does. */
static void crash_stack(void)
{
	descriptor_set_gate_present(VECTOR_UD, false);
	descriptor_use_nmi_stack(VECTOR_DF, false);
	__asm__ volatile("mov %0, %%rsp; ud2" ::"r"(NOT_MAPPED));
}

static void crash_hang(void)
{
	for (;;)
		cpu_pause();
}

static void crash_halt(void)
{
	halt_forever();
}

static void crash_ud(void)
{
	__asm__ volatile("ud2");
}

static void crash_hole(void)
{
	volatile u64 *hole = (volatile u64 *)HOLE;

	*hole = 0;
	print_line("guest: the hole at 0x%llx reads 0x%llx", (unsigned long long)HOLE,
		   (unsigned long long)*hole);
}

static void go_deaf(void *unused)
{
	(void)unused;
	(void)nestor_call(NESTOR_CALL_DEAF, 0, 0, NULL);
}

/* Memory that comes, is used, and goes, again and again: all CPUs are told each time. */
static void crash_deaf(void)
{
	if (smp_count() < 2)
		report_fatal("one CPU: nobody to be deaf");
	smp_start(1, go_deaf, NULL);
	while (!nestor_call3(NESTOR_CALL_REGION_ADD, HOLE, PAGE_SIZE, 0)) {
		*(volatile u64 *)HOLE = 1;
		(void)nestor_call(NESTOR_CALL_REGION_DELETE, HOLE, 0, NULL);
	}
}

/* A CPU would run it; an L0 has no frame to tell the CPU. */
static void crash_apic(void)
{
	const char *why = vmx_lacks();
	struct l2 l2;

	if (why || !vmx_allows(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES))
		report_fatal("no APIC accesses: %s", why ? why : "not offered");
	vmx_on();
	l2_create(&l2, vmcall_for_ever, 0, CPU_SECONDARY);
	vmx_write(VMCS_CPU_CONTROLS2, CPU2_APIC_ACCESSES);
	vmx_write(VMCS_APIC_ACCESS_ADDR, HOLE);
	(void)l2_enter(&l2);
}

static void crash_off(void)
{
	const struct acpi_fadt *fadt = acpi_fadt();

	if (!fadt || acpi_s5_type() == ~0u)
		report_fatal("no FADT, or no \\_S5");
	out16((u16)fadt->pm1a_cnt_blk, SLEEP(acpi_s5_type()));
}

static void crash_reset(void)
{
	const struct acpi_fadt *fadt = acpi_fadt();
	struct acpi_reset reset;

	if (!fadt || !acpi_reset_register(&fadt->header, &reset))
		report_fatal("no FADT, or no reset register");
	out8(reset.port, reset.value);
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "triple", crash_triple }, { "idt", crash_idt },     { "stack", crash_stack },
	{ "hang", crash_hang },     { "halt", crash_halt },   { "ud", crash_ud },
	{ "hole", crash_hole },     { "deaf", crash_deaf },   { "apic", crash_apic },
	{ "off", crash_off },       { "reset", crash_reset },
};

_Noreturn void guest_main(const char *cmdline)
{
	static const struct report_counts none;
	const char *list = "triple";
	size_t length = 6;

	if (cmdline_find(cmdline, "crash", &length))
		list = cmdline_find(cmdline, "crash", &length);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!cmdline_list_has(list, length, ways[i].name))
			continue;
		print_line("guest: crash=%s", ways[i].name);
		ways[i].run();
		report_end(REPORT_PASSED, &none); /* survived */
	}
	report_fatal("unknown crash '%.*s'", (int)length, list);
}
