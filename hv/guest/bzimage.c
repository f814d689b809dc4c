/* SPDX-License-Identifier: MIT */
/* The setup header of a bzImage, checked. Source: Linux boot protocol (boot.rst), version 2.12. */
#include "hv/guest/bzimage.h"
#include "hv/linux_format.h"
#include "hv/string.h"

#define NAME       kernel_protocol_name(KERNEL_LINUX)
#define HEADER_MIN (LINUX_HEADER_AT + sizeof(struct linux_header))
#define HEADER_MAX offsetof(struct linux_zero_page, pad3)

/* What one field must be, whatever the others are: low ≤ (value & mask) ≤ high. */
static const struct {
	const char *field;
	u16 offset, bytes;
	u64 mask, low, high;
	const char *expected;
} rules[] = {
#define RULE(field, ...)                                                          \
	{                                                                         \
#field, offsetof(struct linux_header, field),                     \
			sizeof(((struct linux_header *)NULL)->field), __VA_ARGS__ \
	}
	RULE(boot_flag, ~0ULL, LINUX_BOOT_FLAG, LINUX_BOOT_FLAG, "0xaa55"),
	RULE(version, ~0ULL, 0x20c, ~0ULL, "0x20c or later"),
	RULE(header_length, ~0ULL, HEADER_MIN - LINUX_HEADER_AFTER, HEADER_MAX - LINUX_HEADER_AFTER,
	     "0x66 to 0x8e"),
	RULE(loadflags, LINUX_LOADED_HIGH, 1, 1, "bit 0 (LOADED_HIGH) set"),
	RULE(xloadflags, LINUX_KERNEL_64, 1, 1, "bit 0 (XLF_KERNEL_64) set"),
	RULE(pref_address, ~0ULL, MIB, 4 * GIB - 1, "0x100000 to 0xffffffff"),
	RULE(kernel_alignment, ~0ULL, 1, ~0ULL, "a power of two"),
#undef RULE
};

_Static_assert(HEADER_MIN - LINUX_HEADER_AFTER == 0x66 && HEADER_MAX - LINUX_HEADER_AFTER == 0x8e,
	       "the limits stand in the table's text too");

bool bzimage_is(const struct image_file *file)
{
	u64 magic_at = LINUX_HEADER_AT + offsetof(struct linux_header, header);

	return image_has(file, magic_at, 4) && image_read(file, magic_at, 4) == LINUX_HEADER_MAGIC;
}

static int refuse_field(const struct image_file *file, const char *field, u64 value,
			const char *expected)
{
	return image_refuse(file, NAME, "%s is 0x%llx, expected %s", field,
			    (unsigned long long)value, expected);
}

static int check_fields(const struct image_file *file)
{
	for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
		u64 value = image_read(file, LINUX_HEADER_AT + rules[i].offset, rules[i].bytes);
		u64 masked = value & rules[i].mask;

		if (masked < rules[i].low || masked > rules[i].high)
			return refuse_field(file, rules[i].field, value, rules[i].expected);
	}
	return 0;
}

/* Where the code goes; an image that cannot move goes to pref_address and nowhere else. */
static int check_place(const struct image_file *file, const struct linux_header *header)
{
	if (header->kernel_alignment & (header->kernel_alignment - 1))
		return refuse_field(file, "kernel_alignment", header->kernel_alignment,
				    "a power of two");
	if (!IS_ALIGNED(header->pref_address, header->kernel_alignment))
		return refuse_field(file, "pref_address", header->pref_address,
				    "a multiple of kernel_alignment");
	if (header->pref_address + header->init_size > 4 * GIB)
		return refuse_field(file, "init_size", header->init_size,
				    "an end below 4 GiB from pref_address on");
	return 0;
}

/* The code: *out's one segment. */
static int check_code(const struct image_file *file, const struct linux_header *header,
		      const struct kernel_segment *code)
{
	u64 payload_end = (u64)header->payload_offset + header->payload_length;

	if (code->file_bytes <= LINUX_ENTRY_64)
		return refuse_field(file, "syssize", header->syssize, "code at its byte 0x200");
	if (!image_has(file, code->offset, code->file_bytes))
		return image_refuse(file, NAME,
				    "syssize is 0x%x, and the code ends at 0x%llx beyond the "
				    "file's 0x%zx bytes",
				    header->syssize,
				    (unsigned long long)(code->offset + code->file_bytes),
				    file->size);
	if (payload_end > code->file_bytes)
		return image_refuse(file, NAME,
				    "payload_offset and payload_length end at 0x%llx, expected at "
				    "most the code's 0x%llx bytes",
				    (unsigned long long)payload_end,
				    (unsigned long long)code->file_bytes);
	if (code->memory_bytes < code->file_bytes)
		return refuse_field(file, "init_size", header->init_size, "no less than the code");
	return check_place(file, header);
}

int bzimage_parse(const struct image_file *file, struct kernel_image *out)
{
	struct linux_header header;
	struct kernel_segment *code = &out->segments[0];
	int rc;

	out->protocol = KERNEL_LINUX;
	if (!image_has(file, 0, HEADER_MAX))
		return image_refuse(file, NAME, "the file's 0x%zx bytes end within the header",
				    file->size);
	rc = check_fields(file);
	if (rc)
		return rc;
	memcpy(&header, file->bytes + LINUX_HEADER_AT, sizeof(header));
	*code = (struct kernel_segment){
		.offset = ((header.setup_sects ? header.setup_sects : LINUX_SETUP_SECTS) + 1) *
			  LINUX_SECTOR,
		.gpa = header.pref_address,
		.file_bytes = (u64)header.syssize * 16,
		.memory_bytes = header.init_size,
	};
	rc = check_code(file, &header, code);
	if (rc)
		return rc;
	out->segment_count = 1;
	out->entry = (u32)header.pref_address + LINUX_ENTRY_64;
	out->alignment = header.relocatable_kernel ? header.kernel_alignment : 0;
	out->modules_end = MIN((u64)header.initrd_addr_max + 1, 4 * GIB);
	out->modules_max = 1; /* the initrd */
	out->ranges_max = LINUX_E820_MAX;
	out->cmdline_max = header.cmdline_size;
	return 0;
}
