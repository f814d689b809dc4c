/* SPDX-License-Identifier: MIT */
/* Quieting the board and ending a run. The ways to end one are tables,
 * tried from the most to the least specific. */
#include "hv/platform.h"
#include "hv/acpi.h"
#include "hv/cpuid.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/msr_safe.h"
#include "hv/nmi.h"
#include "hv/pci.h"
#include "hv/serial.h"
#include "hv/string.h"
#include "hv/x86.h"

#define PIC_MASTER_MASK      0x21u
#define PIC_SLAVE_MASK       0xa1u
#define QEMU_DEBUG_EXIT      0xf4u
#define QEMU_Q35_PM_CONTROL  0x604u
#define QEMU_PC_PM_CONTROL   0xb004u
#define PM_CONTROL_SLEEP     0x2000u /* SLP_EN, SLP_TYP = 0: soft off on QEMU's boards */
#define BOCHS_DEBUG          0xe9u
#define BOCHS_SHUTDOWN       0x8900u
#define RESET_CONTROL        0xcf9u
#define RESET_CONTROL_FULL   0x0eu
#define KEYBOARD_COMMAND     0x64u
#define KEYBOARD_PULSE_RESET 0xfeu
#define RESET_POLLS          1000000u

#define IO_APIC_DEFAULT      0xfec00000ULL
#define IO_APIC_WINDOW       0x10u /* behind the index register */
#define IO_APIC_VERSION      1u
#define IO_APIC_ENTRIES      0x10u
#define IO_APIC_MASKED       0x10000u
#define IO_APIC_PINS_MAX     240u

static enum config_on_exit on_exit;
static bool has_reset_register;
static struct acpi_reset reset_register;

void platform_mask_pics(void)
{
	out8(PIC_MASTER_MASK, 0xff);
	out8(PIC_SLAVE_MASK, 0xff);
}

/* Registers by index and window, in aligned 32-bit accesses: Bochs dies of others. */
static volatile u32 *io_apic_register(u64 base, u32 reg)
{
	*(volatile u32 *)(uintptr_t)base = reg;
	return (volatile u32 *)(uintptr_t)(base + IO_APIC_WINDOW);
}

/* All pins masked; 0 where no I/O APIC answers. */
static u32 mask_io_apic(u64 base)
{
	u32 version = *io_apic_register(base, IO_APIC_VERSION);
	u32 pins = (version >> 16 & 0xff) + 1;

	if (version == ~0u || !(version & 0xff) || pins > IO_APIC_PINS_MAX)
		return 0;
	for (u32 pin = 0; pin < pins; pin++) {
		u32 low = *io_apic_register(base, IO_APIC_ENTRIES + 2 * pin);

		*io_apic_register(base, IO_APIC_ENTRIES + 2 * pin) = low | IO_APIC_MASKED;
	}
	return pins;
}

/* Those of the MADT; without one, the one where PCs have theirs. */
static u32 mask_io_apics(u64 rsdp)
{
	const struct acpi_header *madt = acpi_find(rsdp, "APIC");
	u32 pins = 0;
	u64 base;

	if (!madt)
		return mask_io_apic(IO_APIC_DEFAULT);
	for (u32 i = 0; (base = acpi_io_apic(madt, i)) != 0; i++)
		pins += mask_io_apic(base);
	return pins;
}

void platform_init(const struct boot_info *info)
{
	u32 masters, pins;

	on_exit = info->config.on_exit;
	has_reset_register = acpi_reset_register(acpi_find(info->rsdp, "FACP"), &reset_register);
	platform_mask_pics();
	masters = pci_stop_bus_masters();
	pins = mask_io_apics(info->rsdp);
	log_line("platform", "%u PCI bus masters stopped, %u pins of I/O APICs masked", masters,
		 pins);
}

void platform_log_microcode(void)
{
	u64 revision;

	/* SDM "Determining the Signature": write 0, CPUID,
	 * then the revision stands in the high half. */
	if (!wrmsr_safe(MSR_IA32_BIOS_SIGN_ID, 0)) {
		log_line("platform", "this CPU has no microcode revision");
		return;
	}
	cpuid(1, 0);
	if (rdmsr_safe(MSR_IA32_BIOS_SIGN_ID, &revision))
		log_line("platform", "microcode revision 0x%x", (unsigned int)(revision >> 32));
}

static bool hypervisor_is(const char *signature)
{
	struct cpuid_regs leaf;
	u32 words[3];

	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
		return false;
	leaf = cpuid(CPUID_LEAF_HYPERVISOR, 0);
	words[0] = leaf.ebx;
	words[1] = leaf.ecx;
	words[2] = leaf.edx;
	return memcmp(words, signature, sizeof(words)) == 0;
}

static bool is_qemu(void)
{
	return hypervisor_is("TCGTCGTCGTCG") || hypervisor_is("KVMKVMKVM\0\0");
}

/* Its debug port answers reads; QEMU can have one like it. */
bool platform_is_bochs(void)
{
	return !(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) && in8(BOCHS_DEBUG) == BOCHS_DEBUG;
}

static bool knows_reset_register(void)
{
	return has_reset_register;
}

static bool always(void)
{
	return true;
}

static void qemu_debug_exit(u32 code)
{
	out32(QEMU_DEBUG_EXIT, code);
}

static void qemu_power_off(u32 code)
{
	(void)code;
	out16(QEMU_Q35_PM_CONTROL, PM_CONTROL_SLEEP);
	out16(QEMU_PC_PM_CONTROL, PM_CONTROL_SLEEP);
}

static void bochs_shutdown(u32 code)
{
	(void)code;
	for (const char *c = "Shutdown"; *c != '\0'; c++)
		out8(BOCHS_SHUTDOWN, (u8)*c);
}

static void acpi_reset(u32 code)
{
	(void)code;
	out8(reset_register.port, reset_register.value);
}

static void chipset_reset(u32 code)
{
	(void)code;
	out8(RESET_CONTROL, RESET_CONTROL_FULL);
}

static void keyboard_reset(u32 code)
{
	(void)code;
	out8(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
}

struct way_out {
	enum config_on_exit how;
	bool (*is_here)(void);
	void (*take)(u32 code); /* returns when it had no effect */
};

static const struct way_out ways_out[] = {
	{ ON_EXIT_POWEROFF, is_qemu, qemu_debug_exit },
	{ ON_EXIT_POWEROFF, is_qemu, qemu_power_off },
	{ ON_EXIT_POWEROFF, platform_is_bochs, bochs_shutdown },
	{ ON_EXIT_REBOOT, knows_reset_register, acpi_reset },
	{ ON_EXIT_REBOOT, always, chipset_reset },
	{ ON_EXIT_REBOOT, always, keyboard_reset },
};

_Noreturn void platform_stop(enum config_on_exit how, u32 code)
{
	interrupts_off();
	nmi_stop_others();
	serial_flush();
	for (size_t i = 0; i < ARRAY_SIZE(ways_out); i++) {
		if (ways_out[i].how != how || !ways_out[i].is_here())
			continue;
		ways_out[i].take(code);
		for (u32 poll = 0; poll < RESET_POLLS; poll++)
			cpu_pause();
	}
	log_line("platform", "halted; it is safe to switch off");
	serial_flush();
	halt_forever();
}

_Noreturn void platform_end(u32 code)
{
	log_raw("nestor: END code=%u", code);
	platform_stop(on_exit, code);
}
