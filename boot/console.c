/* SPDX-License-Identifier: MIT */
/*
 * The firmware's consoles as a mirror of the log. ConOut itself is not used: it usually includes
 * the serial port that the log goes to already, and would print each line twice there. So each
 * screen is addressed by itself.
 */
#include "boot/boot.h"
#include "hv/log.h"

#define SCREENS_MAX 4

static EFI_GUID text_output_guid = SIMPLE_TEXT_OUTPUT_PROTOCOL;
static EFI_GUID device_path_guid = DEVICE_PATH_PROTOCOL;

static SIMPLE_TEXT_OUTPUT_INTERFACE *screens[SCREENS_MAX];
static u32 screen_count;

static void print_on_screens(const char *line)
{
	CHAR16 text[128];
	u32 used = 0;

	for (; *line || used; used = 0) {
		while (*line && used < ARRAY_SIZE(text) - 3) {
			if (*line == '\n')
				text[used++] = '\r';
			text[used++] = (CHAR16)(unsigned char)*line++;
		}
		text[used] = 0;
		for (u32 i = 0; i < screen_count; i++)
			screens[i]->OutputString(screens[i], text);
	}
}

/* A console of a device that is not a serial port.
 * A virtual one, which feeds others, has no device path. */
static bool is_screen(struct boot *boot, EFI_HANDLE handle)
{
	EFI_DEVICE_PATH *node;

	if (EFI_ERROR(boot->services->HandleProtocol(handle, &device_path_guid, (void **)&node)))
		return false;
	for (; !IsDevicePathEnd(node); node = NextDevicePathNode(node)) {
		if ((size_t)DevicePathNodeLength(node) < sizeof(EFI_DEVICE_PATH))
			return false;
		if (DevicePathType(node) == MESSAGING_DEVICE_PATH &&
		    DevicePathSubType(node) == MSG_UART_DP)
			return false;
	}
	return true;
}

void boot_mirror_on(struct boot *boot)
{
	EFI_HANDLE *handles;
	UINTN count;

	screen_count = 0;
	if (EFI_ERROR(boot->services->LocateHandleBuffer(ByProtocol, &text_output_guid, NULL,
							 &count, &handles)))
		return;
	for (UINTN i = 0; i < count && screen_count < SCREENS_MAX; i++) {
		void **interface = (void **)&screens[screen_count];

		if (is_screen(boot, handles[i]) &&
		    !EFI_ERROR(boot->services->HandleProtocol(handles[i], &text_output_guid,
							      interface)))
			screen_count++;
	}
	boot->services->FreePool(handles);
	if (screen_count)
		log_set_mirror(print_on_screens);
}

void boot_mirror_everywhere(struct boot *boot)
{
	screens[0] = boot->system->ConOut;
	screen_count = screens[0] ? 1 : 0;
	log_set_mirror(print_on_screens);
}

void boot_mirror_off(void)
{
	log_set_mirror(NULL);
}
