/* SPDX-License-Identifier: MIT */
/* The refusal's text, and EFI status codes by name. */
#include "boot/boot.h"
#include "hv/errno.h"
#include "hv/format.h"

int boot_refuse(struct boot *boot, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_text_va(boot->refusal, sizeof(boot->refusal), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

#define STATUS(name)        \
	{                   \
		name, #name \
	}

const char *boot_status_name(EFI_STATUS status)
{
	static const struct {
		EFI_STATUS status;
		const char *name;
	} names[] = {
		STATUS(EFI_SUCCESS),           STATUS(EFI_LOAD_ERROR),
		STATUS(EFI_INVALID_PARAMETER), STATUS(EFI_UNSUPPORTED),
		STATUS(EFI_BAD_BUFFER_SIZE),   STATUS(EFI_BUFFER_TOO_SMALL),
		STATUS(EFI_NOT_READY),         STATUS(EFI_DEVICE_ERROR),
		STATUS(EFI_OUT_OF_RESOURCES),  STATUS(EFI_VOLUME_CORRUPTED),
		STATUS(EFI_VOLUME_FULL),       STATUS(EFI_NO_MEDIA),
		STATUS(EFI_MEDIA_CHANGED),     STATUS(EFI_NOT_FOUND),
		STATUS(EFI_ACCESS_DENIED),     STATUS(EFI_TIMEOUT),
		STATUS(EFI_ABORTED),           STATUS(EFI_SECURITY_VIOLATION),
		STATUS(EFI_CRC_ERROR),         STATUS(EFI_END_OF_FILE),
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].status == status)
			return names[i].name;
	}
	return "an EFI status without a name";
}
