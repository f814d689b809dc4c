/* SPDX-License-Identifier: MIT */
/* Which format a file has: decided by its content, never by its name. */
#include "hv/guest/kernel_image.h"
#include "hv/errno.h"
#include "hv/format.h"
#include "hv/guest/bzimage.h"
#include "hv/guest/multiboot.h"
#include "hv/guest/pvh.h"
#include "hv/string.h"

static const char *const names[KERNEL_PROTOCOLS] = {
	[KERNEL_MULTIBOOT] = "multiboot",
	[KERNEL_PVH] = "PVH",
	[KERNEL_LINUX] = "bzImage",
};

const char *kernel_protocol_name(enum kernel_protocol protocol)
{
	return names[protocol];
}

void load_error_set(struct load_error *error, const char *format, const char *fmt, va_list ap)
{
	size_t used = format_text(error->text, sizeof(error->text), "%s: ", format);

	format_text_va(error->text + used, sizeof(error->text) - used, fmt, ap);
}

/* A multiboot header goes first, where multiboot can load the image; in all other cases a PVH note
 * does. */
static int parse_elf(const struct image_file *file, struct kernel_image *out)
{
	enum multiboot_header header;
	struct elf elf;
	u32 flags = 0;
	int rc = elf_open(file, &elf);

	/* Segments first: of a file that was cut off, they say so best. */
	if (!rc)
		rc = elf_read_segments(&elf, out);
	if (rc)
		return rc;
	header = multiboot_find(file, &flags);
	rc = -ENOENT;
	if (header != MULTIBOOT_SOUND || elf.class != ELF_CLASS_32)
		rc = pvh_parse(&elf, out);
	if (rc != -ENOENT)
		return rc;
	if (header == MULTIBOOT_SOUND)
		return multiboot_parse(&elf, flags, out);
	if (header == MULTIBOOT_BROKEN)
		return image_refuse(file, names[KERNEL_MULTIBOOT],
				    "the header's checksum is wrong");
	return image_refuse(file, "ELF",
			    "neither a multiboot-1 header in the first %zu bytes, nor a PVH note "
			    "(Xen, type 18)",
			    MIN(file->size, (size_t)MULTIBOOT_HEADER_WITHIN));
}

int kernel_parse(const void *file, size_t size, struct kernel_image *out, struct load_error *error)
{
	struct image_file view = { .bytes = file, .size = size, .error = error };

	memset(out, 0, sizeof(*out));
	out->file = file;
	if (elf_is(&view))
		return parse_elf(&view, out);
	if (bzimage_is(&view))
		return bzimage_parse(&view, out);
	return image_refuse(
		&view, "no kernel",
		"neither an ELF header (multiboot 1, PVH), nor 'HdrS' at 0x202 (bzImage)");
}
