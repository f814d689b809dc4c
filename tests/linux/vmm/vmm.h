/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine of Linux' KVM with Nestor's board and loader. One lock for all devices; the
 * vCPUs, a thread each, and the timer's thread take it.
 */
#ifndef TESTS_LINUX_VMM_VMM_H
#define TESTS_LINUX_VMM_VMM_H

#include <pthread.h>

#include "hv/dev/board.h"
#include "hv/guest/pc_memory.h"
#include "tests/linux/lib/kvm.h"

#define VMM_CPUS_MAX    16
#define VMM_MODULES_MAX 4

/* What the command line asks for. */
struct vmm_options {
	const char *kernel, *cmdline, *prefix;
	const char *modules[VMM_MODULES_MAX];
	u32 module_count;
	u32 cpus;
	u64 memory; /* bytes */
	bool statistics;
	bool times;
	bool quiet;
};

struct vmm_vcpu {
	pthread_t thread;
	struct vmm *vmm;
	int fd, statistics;
	u32 index;
	struct kvm_run *run;
};

struct vmm {
	struct vmm_options options;
	int kvm, vm, statistics;
	u8 *memory; /* of address 0; holes are not backed */
	struct load_range ranges[PC_RANGES_MAX];
	u32 range_count;
	struct load_plan plan;
	struct vmm_vcpu vcpus[VMM_CPUS_MAX];

	pthread_mutex_t lock;   /* of all that follows */
	pthread_cond_t earlier; /* the next deadline is before the one that the timer waits for */
	struct board board;
	u64 tsc_hz;
	u64 deadline; /* that the timer waits for */
	bool intr;    /* the 8259s want the first vCPU */
};

/* "vmm: text" and the end, with status 1. */
_Noreturn void vmm_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The guest is done: statistics, if they are wanted, and the end. */
_Noreturn void vmm_end(struct vmm *vmm, int status, const char *why);

/* Memory by the map, with the image in it. */
void memory_create(struct vmm *vmm);

/* What the guest's CPUs look like, and how the first one starts. */
void vmm_vcpu_create(struct vmm *vmm, u32 index);
void *vmm_vcpu_run(void *vcpu);

/* Local APICs are KVM's; the rest of the board is here. */
void devices_create(struct vmm *vmm);
void devices_start(struct vmm *vmm); /* the timer's thread */
void devices_port(struct vmm *vmm, const struct kvm_run *run);
void devices_mmio(struct vmm *vmm, struct kvm_run *run);
void devices_eoi(struct vmm *vmm, u8 vector);
/* Before a vCPU runs: an interrupt of the 8259s goes to the first one, if
 * that takes one now. */
void devices_interrupt(struct vmm_vcpu *vcpu);

void cpuid_set(const struct vmm_vcpu *vcpu);
void console_open(const char *prefix);
/* From now on lines tell the TSC's ticks since now. */
void console_start_clock(void);
void console_flush(void);
/* Between these, no timer interrupts this machine: one CPU, console output to a file. */
void quiet_begin(void);
void quiet_end(void);
/* What KVM has counted for this VM, by name. They are opened before the vCPUs run: KVM answers no
 * request to one that does. */
void statistics_open(struct vmm *vmm);
void statistics_print(const struct vmm *vmm);

#endif
