/* SPDX-License-Identifier: MIT */
/* EFI_MP_SERVICES_PROTOCOL (UEFI Platform Initialization specification, volume 2),
 * which gnu-efi has no header for. */
#ifndef BOOT_MP_SERVICES_H
#define BOOT_MP_SERVICES_H

#include <efi.h>

#define EFI_MP_SERVICES_PROTOCOL_GUID                                  \
	{                                                              \
		0x3fdda605, 0xa76e, 0x4f46,                            \
		{                                                      \
			0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08 \
		}                                                      \
	}

#define PROCESSOR_ENABLED_BIT 0x2

typedef struct {
	UINT64 ProcessorId; /* the APIC id */
	UINT32 StatusFlag;
	UINT32 Location[3];
	UINT32 ExtendedLocation[6];
} EFI_PROCESSOR_INFORMATION;

typedef struct EFI_MP_SERVICES_PROTOCOL EFI_MP_SERVICES_PROTOCOL;

struct EFI_MP_SERVICES_PROTOCOL {
	EFI_STATUS(EFIAPI *GetNumberOfProcessors)
	(EFI_MP_SERVICES_PROTOCOL *self, UINTN *count, UINTN *enabled);
	EFI_STATUS(EFIAPI *GetProcessorInfo)
	(EFI_MP_SERVICES_PROTOCOL *self, UINTN number, EFI_PROCESSOR_INFORMATION *info);
	/* Services that start code on other CPUs follow. */
};

#endif
