/* SPDX-License-Identifier: MIT */
/*
 * No timer interrupt while the guest runs, so that its figures have none in them. On Bochs' bare
 * CPU there are no ACPI and no MP tables: Linux' timer is the 8254 on the 8259's pin 0, which is
 * masked here. Linux' handler of another interrupt would set the mask as it was: nothing may be
 * said on a console meanwhile. What has come all the same is told at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

#include "tests/linux/vmm/vmm.h"

#define MASTER_MASK 0x21
#define TIMER_PIN   1

static u64 before;
static bool is_quiet;

/* This machine's: of the 8254 and of the local APICs. */
static u64 count_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[256];
	u64 sum = 0;

	if (!file)
		vmm_fail("/proc/interrupts: %m");
	while (fgets(line, sizeof(line), file)) {
		char *at = line + strspn(line, " ");
		char *colon = strchr(at, ':');

		if (colon && (!strncmp(at, "0:", 2) || !strncmp(at, "LOC:", 4)))
			sum += strtoull(colon + 1, NULL, 10);
	}
	fclose(file);
	return sum;
}

/* A thread has its own permission. */
static void allow_port(void)
{
	if (ioperm(MASTER_MASK, 1, 1))
		vmm_fail("the 8259's mask: %m");
}

void quiet_begin(void)
{
	allow_port();
	outb(inb(MASTER_MASK) | TIMER_PIN, MASTER_MASK);
	before = count_interrupts();
	is_quiet = true;
}

void quiet_end(void)
{
	u64 during;

	if (!is_quiet)
		return;
	during = count_interrupts() - before;
	allow_port();
	outb(inb(MASTER_MASK) & ~TIMER_PIN, MASTER_MASK);
	printf("vmm: %llu timer interrupts while the guest ran\n", (unsigned long long)during);
}
