/* SPDX-License-Identifier: MIT */
/*
 * A guest of Linux' KVM, and so an L2 where Linux is L1: real-mode code that adds up a page of
 * numbers, asks CPUID, and tells both at a port. Source: Linux' Documentation/virt/kvm/api.rst.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/linux/lib/kvm.h"

#define CODE_GPA    0x1000
#define DATA_GPA    0x2000
#define PAGE_BYTES  0x1000
#define KVM_OWN_GPA 0xfffbd000UL /* three pages, for L2 in real mode where VMX cannot have it so */
#define NUMBERS     (PAGE_BYTES / sizeof(uint16_t))
#define RESULT_PORT 0x10
#define RUNS_MAX    10
#define VENDOR      "NestorL2inL1" /* what CPUID leaf 0 tells L2 */

/* What L2 has told. */
struct told {
	uint16_t sum;
	uint32_t vendor;
	int count;
};

static const uint8_t code[] = {
	0xbe, 0x00,        0x20,        /* mov si, DATA_GPA */
	0xb9, 0x00,        0x08,        /* mov cx, NUMBERS */
	0x31, 0xdb,                     /* xor bx, bx */
	0xad,                           /* lodsw */
	0x01, 0xc3,                     /* add bx, ax */
	0xe2, 0xfb,                     /* loop to lodsw */
	0x89, 0xd8,                     /* mov ax, bx */
	0xe7, RESULT_PORT,              /* out RESULT_PORT, ax */
	0x66, 0x31,        0xc0,        /* xor eax, eax */
	0x0f, 0xa2,                     /* cpuid */
	0x66, 0x89,        0xd8,        /* mov eax, ebx */
	0x66, 0xe7,        RESULT_PORT, /* out RESULT_PORT, eax */
	0xf4,                           /* hlt */
};

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* From L2's address 0 on. */
static uint8_t *map_memory(int vm, uint64_t bytes)
{
	uint8_t *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)memory,
	};

	if (memory == MAP_FAILED)
		fail("L2's memory");
	REQUEST(vm, KVM_SET_USER_MEMORY_REGION, &region);
	return memory;
}

static void set_registers(int vcpu)
{
	struct kvm_regs registers = { .rip = CODE_GPA, .rflags = 2 };
	struct kvm_sregs segments;

	REQUEST(vcpu, KVM_GET_SREGS, &segments);
	segments.cs.base = segments.cs.selector = 0;
	REQUEST(vcpu, KVM_SET_SREGS, &segments);
	REQUEST(vcpu, KVM_SET_REGS, &registers);
}

static void set_cpuid(int vcpu)
{
	struct kvm_cpuid2 *leaves = calloc(1, sizeof(*leaves) + sizeof(leaves->entries[0]));
	uint32_t words[3];

	if (!leaves)
		fail("CPUID's leaves");
	memcpy(words, VENDOR, sizeof(words));
	leaves->nent = 1;
	leaves->entries[0].ebx = words[0];
	leaves->entries[0].edx = words[1];
	leaves->entries[0].ecx = words[2];
	REQUEST(vcpu, KVM_SET_CPUID2, leaves);
	free(leaves);
}

/* An OUT of L2's: its first value is the sum, its second what CPUID told. */
static void note_out(const struct kvm_run *run, struct told *told)
{
	const void *data = (const uint8_t *)run + run->io.data_offset;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != RESULT_PORT) {
		printf("L2 accessed port 0x%x\n", run->io.port);
		exit(1);
	}
	if (told->count++ == 0)
		memcpy(&told->sum, data, sizeof(told->sum));
	else
		memcpy(&told->vendor, data, sizeof(told->vendor));
}

static struct told run_l2(int vcpu, struct kvm_run *run)
{
	struct told told = { 0 };

	for (int i = 0; i < RUNS_MAX; i++) {
		REQUEST(vcpu, KVM_RUN, 0);
		if (run->exit_reason == KVM_EXIT_HLT)
			return told;
		if (run->exit_reason != KVM_EXIT_IO) {
			printf("L2 ended with KVM's exit reason %u\n", run->exit_reason);
			exit(1);
		}
		note_out(run, &told);
	}
	printf("L2 has not halted after %d exits\n", RUNS_MAX);
	exit(1);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu;
	uint16_t numbers[NUMBERS], sum = 0;
	struct kvm_run *run;
	struct told told;
	uint8_t *memory;
	uint32_t vendor;

	if (kvm < 0)
		fail("/dev/kvm");
	vm = REQUEST(kvm, KVM_CREATE_VM, 0);
	memory = map_memory(vm, DATA_GPA + PAGE_BYTES);
	memcpy(memory + CODE_GPA, code, sizeof(code));
	for (unsigned int i = 0; i < NUMBERS; i++)
		sum = (uint16_t)(sum + (numbers[i] = (uint16_t)(i * i + 7)));
	memcpy(memory + DATA_GPA, numbers, sizeof(numbers));
	REQUEST(vm, KVM_SET_TSS_ADDR, KVM_OWN_GPA);
	vcpu = REQUEST(vm, KVM_CREATE_VCPU, 0);
	run = mmap(NULL, (size_t)REQUEST(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		fail("struct kvm_run");
	set_cpuid(vcpu);
	set_registers(vcpu);
	told = run_l2(vcpu, run);
	memcpy(&vendor, VENDOR, sizeof(vendor));
	printf("L2 told a sum of %u and a vendor of 0x%x in %d exits, then halted\n", told.sum,
	       told.vendor, told.count);
	if (told.sum == sum && told.vendor == vendor)
		return 0;
	printf("expected a sum of %u and a vendor of 0x%x\n", sum, vendor);
	return 1;
}
