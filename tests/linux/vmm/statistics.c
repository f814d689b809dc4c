/* SPDX-License-Identifier: MIT */
/* KVM's binary statistics. Source: Linux' Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/linux/vmm/vmm.h"

static void read_at(int fd, void *to, size_t bytes, u64 offset)
{
	if (pread(fd, to, bytes, (off_t)offset) != (ssize_t)bytes)
		vmm_fail("KVM's statistics end early");
}

/* The single numbers of one file that are not 0; histograms are left out. */
static void print_file(int fd, const char *whose)
{
	struct kvm_stats_header header;
	u64 bytes;
	u8 *descriptors;

	read_at(fd, &header, sizeof(header), 0);
	bytes = sizeof(struct kvm_stats_desc) + header.name_size;
	descriptors = calloc(header.num_desc, bytes);
	if (!descriptors)
		vmm_fail("no memory for KVM's statistics");
	read_at(fd, descriptors, header.num_desc * bytes, header.desc_offset);
	for (u32 i = 0; i < header.num_desc; i++) {
		const struct kvm_stats_desc *desc = (const void *)(descriptors + i * bytes);
		u64 value;

		if (desc->size != 1)
			continue;
		read_at(fd, &value, sizeof(value), header.data_offset + desc->offset);
		if (value)
			printf("vmm: %12llu  %s%s\n", (unsigned long long)value, whose, desc->name);
	}
	free(descriptors);
}

void statistics_open(struct vmm *vmm)
{
	vmm->statistics = REQUEST(vmm->vm, KVM_GET_STATS_FD, 0);
	for (u32 i = 0; i < vmm->options.cpus; i++)
		vmm->vcpus[i].statistics = REQUEST(vmm->vcpus[i].fd, KVM_GET_STATS_FD, 0);
}

void statistics_print(const struct vmm *vmm)
{
	print_file(vmm->statistics, "");
	for (u32 i = 0; i < vmm->options.cpus; i++) {
		char whose[16];

		snprintf(whose, sizeof(whose), "vCPU %u: ", i);
		print_file(vmm->vcpus[i].statistics, whose);
	}
}
