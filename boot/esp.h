/* SPDX-License-Identifier: MIT */
/* Files of the volume that Nestor was loaded from. */
#ifndef BOOT_ESP_H
#define BOOT_ESP_H

#include "boot/boot.h"

#define ESP_FILE_MAX GIB

/* Open the volume; one without a file system (a network) leaves boot->volume NULL. */
void esp_open(struct boot *boot);
void esp_close(struct boot *boot);

/*
 * Read a file of at most limit bytes into pages of its own below 4 GiB: blob->base and ->size.
 * The path has slashes or backslashes. 0; -ENOENT where there is no such file;
 * -EINVAL otherwise; both with the refusal noted.
 */
int esp_read(struct boot *boot, const char *path, u64 limit, struct boot_blob *blob);

#endif
