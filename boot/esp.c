/* SPDX-License-Identifier: MIT */
/* Files of the volume that Nestor was loaded from.
 * What the file system says about sizes is checked, not trusted. */
#include "boot/esp.h"
#include "hv/errno.h"

static EFI_GUID file_system_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;

void esp_open(struct boot *boot)
{
	EFI_FILE_IO_INTERFACE *volume;

	if (EFI_ERROR(boot->services->HandleProtocol(boot->loaded->DeviceHandle, &file_system_guid,
						     (void **)&volume)) ||
	    EFI_ERROR(volume->OpenVolume(volume, &boot->volume)))
		boot->volume = NULL;
}

void esp_close(struct boot *boot)
{
	if (boot->volume)
		boot->volume->Close(boot->volume);
	boot->volume = NULL;
}

static int refuse_file(struct boot *boot, const char *path, EFI_STATUS status)
{
	boot_refuse(boot, "%s: %s; put a readable file there, or name another", path,
		    boot_status_name(status));
	return status == EFI_NOT_FOUND ? -ENOENT : -EINVAL;
}

static EFI_STATUS open_file(struct boot *boot, const char *path, EFI_FILE_HANDLE *file)
{
	CHAR16 name[CONFIG_PATH_MAX];
	u32 i;

	if (!boot->volume)
		return EFI_NOT_FOUND;
	for (i = 0; i < CONFIG_PATH_MAX - 1 && path[i]; i++)
		name[i] = path[i] == '/' ? '\\' : (CHAR16)(unsigned char)path[i];
	name[i] = 0;
	return boot->volume->Open(boot->volume, file, name, EFI_FILE_MODE_READ, 0);
}

/* The position after the last byte; a directory has none. */
static EFI_STATUS file_size(EFI_FILE_HANDLE file, u64 *size)
{
	EFI_STATUS status = file->SetPosition(file, ~0ULL);

	if (!EFI_ERROR(status))
		status = file->GetPosition(file, size);
	if (!EFI_ERROR(status))
		status = file->SetPosition(file, 0);
	return status;
}

static EFI_STATUS read_all(EFI_FILE_HANDLE file, u64 base, u64 size)
{
	u64 done = 0;

	while (done < size) {
		UINTN count = size - done;
		EFI_STATUS status = file->Read(file, &count, (void *)(base + done));

		if (EFI_ERROR(status))
			return status;
		if (count == 0 || count > size - done)
			return EFI_END_OF_FILE;
		done += count;
	}
	return EFI_SUCCESS;
}

static int read_opened(struct boot *boot, const char *path, EFI_FILE_HANDLE file,
		       struct boot_blob *blob)
{
	u64 limit = blob->size;
	EFI_STATUS status = file_size(file, &blob->size);

	if (EFI_ERROR(status))
		return refuse_file(boot, path, status);
	if (blob->size > limit)
		return boot_refuse(boot, "%s: %llu bytes; use a file of at most %llu", path,
				   (unsigned long long)blob->size, (unsigned long long)limit);
	blob->base = boot_pages_take(boot, blob->size, 4 * GIB - 1);
	if (!blob->base)
		return boot_refuse(boot, "%s: no memory below 4 GiB for its %llu KiB; add memory",
				   path, (unsigned long long)(blob->size / KIB));
	status = read_all(file, blob->base, blob->size);
	return EFI_ERROR(status) ? refuse_file(boot, path, status) : 0;
}

int esp_read(struct boot *boot, const char *path, u64 limit, struct boot_blob *blob)
{
	EFI_FILE_HANDLE file;
	EFI_STATUS status = open_file(boot, path, &file);
	int rc;

	if (EFI_ERROR(status))
		return refuse_file(boot, path, status);
	blob->name = path;
	blob->size = limit;
	rc = read_opened(boot, path, file, blob);
	file->Close(file);
	return rc;
}
