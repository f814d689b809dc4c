/* SPDX-License-Identifier: MIT */
/*
 * An EFI application that plays a firmware with VT-x switched off:
 * it locks IA32_FEATURE_CONTROL without the VMX bits (the register keeps that until a reset)
 * and then starts \nestor\nestor.efi from its own volume.
 */
#include <efi.h>
#include <efilib.h>

#define MSR_FEATURE_CONTROL  0x3a
#define FEATURE_CONTROL_LOCK 1

static void wrmsr(UINT32 msr, UINT64 value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((UINT32)value), "d"((UINT32)(value >> 32)));
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	static CHAR16 path[] = L"\\nestor\\nestor.efi";
	EFI_LOADED_IMAGE *self = NULL;
	EFI_DEVICE_PATH *target;
	EFI_HANDLE nestor = NULL;
	EFI_STATUS status;

	InitializeLib(image, table);
	wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK);
	Print(L"lock_vmx: IA32_FEATURE_CONTROL is locked without VMX\n");

	status = uefi_call_wrapper(BS->HandleProtocol, 3, image, &LoadedImageProtocol,
				   (void **)&self);
	if (EFI_ERROR(status))
		return status;
	target = FileDevicePath(self->DeviceHandle, path);
	status = uefi_call_wrapper(BS->LoadImage, 6, FALSE, image, target, NULL, 0, &nestor);
	if (EFI_ERROR(status)) {
		Print(L"lock_vmx: %s does not load: %r\n", path, status);
		return status;
	}
	return uefi_call_wrapper(BS->StartImage, 3, nestor, NULL, NULL);
}
