/* SPDX-License-Identifier: MIT */
/*
 * Nestor's beginning: everything that has to be asked of the firmware, then the way out of it.
 * As long as boot services stand, a refusal is one line on serial port and screen,
 * and a return with nothing left behind.
 */
#include "boot/bare.h"
#include "boot/config_load.h"
#include "boot/cpus.h"
#include "boot/esp.h"
#include "boot/images.h"
#include "boot/memory.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/serial.h"
#include "hv/x86.h"
#include "vmx/caps.h"

#define NESTOR_VERSION "0.1"
#define LEAVE_ATTEMPTS 4

/* The loader calls it by name. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static EFI_GUID loaded_image_guid = LOADED_IMAGE_PROTOCOL;
static struct boot_info boot_info;

static bool is_bare(const struct boot *boot)
{
	return boot->info->config.mode == MODE_BARE;
}

static int introduce(struct boot *boot)
{
	struct boot_info *info = boot->info;
	EFI_STATUS status = boot->services->HandleProtocol(boot->image, &loaded_image_guid,
							   (void **)&boot->loaded);

	log_raw("Nestor " NESTOR_VERSION ": a hypervisor for hypervisors");
	if (EFI_ERROR(status))
		return boot_refuse(boot,
				   "the firmware's description of this program: %s; "
				   "update the firmware",
				   boot_status_name(status));
	info->image_base = (u64)boot->loaded->ImageBase;
	info->image_size = ALIGN_UP(boot->loaded->ImageSize, PAGE_SIZE);
	log_line("boot", "image at 0x%llx size 0x%llx", (unsigned long long)info->image_base,
		 (unsigned long long)info->image_size);
	esp_open(boot);
	return 0;
}

static int check_vmx(struct boot *boot)
{
	const char *refusal;

	if (is_bare(boot))
		return 0;
	vmx_caps_read();
	refusal = vmx_refusal();
	return refusal ? boot_refuse(boot, "%s", refusal) : 0;
}

static int reserve_memory(struct boot *boot)
{
	return is_bare(boot) ? bare_reserve(boot) : memory_reserve(boot);
}

/*
 * ExitBootServices() fails when the memory map has changed since it was read; the first failure may
 * itself have changed it, so that a second try can succeed. No line is printed in between: the
 * mirror uses the firmware.
 */
static int leave_firmware(struct boot *boot)
{
	EFI_STATUS status = EFI_SUCCESS;
	UINTN key;

	boot->services->SetWatchdogTimer(0, 0, 0, NULL);
	esp_close(boot);
	for (u32 i = 0; i < LEAVE_ATTEMPTS; i++) {
		int rc = memory_read_map(boot, &key);

		if (!rc && is_bare(boot))
			rc = bare_plan(boot);
		if (rc)
			return rc;
		boot_mirror_off();
		status = boot->services->ExitBootServices(boot->image, key);
		if (!EFI_ERROR(status)) {
			interrupts_off();
			return 0;
		}
	}
	return boot_refuse(boot, "ExitBootServices: %s; update the firmware",
			   boot_status_name(status));
}

static int prepare(struct boot *boot)
{
	static int (*const steps[])(struct boot * boot) = {
		introduce, config_load,     check_vmx,      images_load,
		cpus_find, memory_take_map, reserve_memory, leave_firmware,
	};
	int rc = 0;

	for (u32 i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](boot);
	return rc;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	struct boot boot = { .image = image,
			     .system = system,
			     .services = system->BootServices,
			     .info = &boot_info };

	boot_info.entry_tsc = rdtsc();
	config_defaults(&boot_info.config);
	serial_init(boot_info.config.console_port, boot_info.config.console_baud);
	boot_mirror_on(&boot);
	if (prepare(&boot) == 0) {
		if (is_bare(&boot))
			bare_start(&boot);
		nestor_main(&boot_info);
	}
	boot_mirror_everywhere(&boot);
	log_raw("nestor: refused: %s", boot.refusal);
	boot_mirror_off();
	esp_close(&boot);
	boot_pages_give_back_all(&boot);
	return EFI_ABORTED;
}
