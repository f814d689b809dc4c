/* SPDX-License-Identifier: MIT */
/* The guest's memory: as L1's map divides it, with ACPI tables and the image in place. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/guest/acpi_tables.h"
#include "hv/guest/dsdt.h"
#include "tests/linux/vmm/vmm.h"

#define HUGE_PAGE (2 * MIB)

struct file {
	const void *bytes;
	u64 size;
};

static struct file map_file(const char *path)
{
	struct file file = { 0 };
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status))
		vmm_fail("%s: %m", path);
	file.size = (u64)status.st_size;
	file.bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.bytes == MAP_FAILED)
		vmm_fail("%s: %m", path);
	close(fd);
	return file;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* On a border of 2 MiB, so that large pages here are large pages there. */
static u8 *reserve(u64 bytes)
{
	u8 *at = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		vmm_fail("%llu MiB of memory: %m", (unsigned long long)(bytes / MIB));
	at = (u8 *)ALIGN_UP((uintptr_t)at, HUGE_PAGE);
	madvise(at, bytes, MADV_HUGEPAGE);
	return at;
}

static void make_regions(struct vmm *vmm)
{
	const struct load_range *last;

	vmm->range_count = pc_memory_map(vmm->options.memory, vmm->ranges);
	last = &vmm->ranges[vmm->range_count - 1];
	vmm->memory = reserve(last->base.raw + last->bytes);
	for (u32 i = 0; i < vmm->range_count; i++) {
		const struct kvm_userspace_memory_region region = {
			.slot = i,
			.guest_phys_addr = vmm->ranges[i].base.raw,
			.memory_size = vmm->ranges[i].bytes,
			.userspace_addr = (uintptr_t)vmm->memory + vmm->ranges[i].base.raw,
		};

		REQUEST(vmm->vm, KVM_SET_USER_MEMORY_REGION, &region);
	}
}

static void load_image(struct vmm *vmm)
{
	const struct vmm_options *options = &vmm->options;
	struct load_module modules[VMM_MODULES_MAX];
	struct file file = map_file(options->kernel);
	struct kernel_image image;
	struct load_error error;
	const struct load_request request = {
		.image = &image,
		.name = base_name(options->kernel),
		.cmdline = options->cmdline,
		.modules = modules,
		.module_count = options->module_count,
		.ranges = vmm->ranges,
		.range_count = vmm->range_count,
		.rsdp = PC_ACPI_START,
	};

	for (u32 i = 0; i < options->module_count; i++) {
		struct file module = map_file(options->modules[i]);

		modules[i] = (struct load_module){ module.bytes, module.size,
						   base_name(options->modules[i]), "" };
	}
	if (kernel_parse(file.bytes, file.size, &image, &error) ||
	    load_plan_make(&request, &vmm->plan, &error))
		vmm_fail("%s: %s", options->kernel, error.text);
	for (u32 i = 0; i < vmm->plan.copy_count; i++) {
		const struct load_copy *copy = &vmm->plan.copies[i];

		/* What is to be cleared behind it is so from the start. */
		memcpy(vmm->memory + copy->to.raw, copy->from, copy->bytes);
	}
}

void memory_create(struct vmm *vmm)
{
	static struct acpi_tables tables;
	const struct acpi_setup setup = { l1_gpa(PC_ACPI_START), vmm->options.cpus, dsdt_aml,
					  dsdt_aml_end };

	make_regions(vmm);
	acpi_tables_build(&tables, &setup);
	memcpy(vmm->memory + PC_ACPI_START, &tables, sizeof(tables));
	load_image(vmm);
}
