/* SPDX-License-Identifier: MIT */
/* Power-off ports of L1's machine. */
#include "hv/dev/power.h"
#include "vmx/vm.h"

static const char shutdown_word[] = "Shutdown";

u32 power_read(void *device, u16 port, u32 bytes)
{
	(void)device;
	(void)port;
	(void)bytes;
	return 0xffffffff;
}

static void shutdown_letter(struct power *power, char letter)
{
	if (letter != shutdown_word[power->matched])
		power->matched = letter == shutdown_word[0];
	else if (++power->matched == sizeof(shutdown_word) - 1)
		vm_stop(power->vm, 0);
	if (power->matched == sizeof(shutdown_word) - 1)
		power->matched = 0;
}

void power_write(void *device, u16 port, u32 bytes, u32 value)
{
	struct power *power = device;

	if (port == POWER_SHUTDOWN && bytes == 1)
		shutdown_letter(power, (char)value);
	else if (port >= POWER_DEBUG_EXIT && port < POWER_DEBUG_EXIT + 4)
		vm_stop(power->vm, value);
}
