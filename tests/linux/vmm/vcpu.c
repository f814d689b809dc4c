/* SPDX-License-Identifier: MIT */
/* A vCPU: how it starts, and its exits to this program. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hv/guest/load_start.h"
#include "hv/msr_index.h"
#include "hv/mtrr_format.h"
#include "tests/linux/vmm/vmm.h"
#include "vmx/control_regs.h"

#define FAST_STRINGS 1u          /* IA32_MISC_ENABLE */
#define ADDRESS_BITS BITS(35, 0) /* each CPU has these */
#define TYPE_CODE    11          /* readable, accessed */
#define TYPE_DATA    3           /* writable, accessed */

static struct kvm_segment flat(u16 selector, u8 type, bool is_long)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.db = !is_long,
		.l = is_long,
	};
}

/* What firmware would have set: all memory write-back but what devices have, fast strings. */
static void set_msrs(const struct vmm_vcpu *vcpu)
{
	static const struct kvm_msr_entry values[] = {
		{ .index = MSR_IA32_MISC_ENABLE, .data = FAST_STRINGS },
		{ .index = MSR_IA32_MTRR_PHYSBASE0, .data = PC_HOLE_START | MEMORY_UC },
		{ .index = MSR_IA32_MTRR_PHYSBASE0 + 1,
		  .data = (ADDRESS_BITS & ~(GIB - 1)) | MTRR_MASK_VALID },
		{ .index = MSR_IA32_MTRR_DEF_TYPE, .data = MTRR_DEF_ENABLED | MEMORY_WB },
	};
	union {
		struct kvm_msrs header;
		u8 room[sizeof(struct kvm_msrs) + sizeof(values)];
	} msrs = { .header.nmsrs = ARRAY_SIZE(values) };

	memcpy(msrs.header.entries, values, sizeof(values));
	if (REQUEST(vcpu->fd, KVM_SET_MSRS, &msrs) != (int)ARRAY_SIZE(values))
		vmm_fail("KVM does not take the MSRs that firmware sets");
}

static void start_first(struct vmm_vcpu *vcpu)
{
	const struct start_state start = load_start(&vcpu->vmm->plan);
	bool is_long = start.mode == START_LONG;
	struct kvm_regs regs = {
		.rip = start.rip,
		.rax = start.rax,
		.rbx = start.rbx,
		.rsi = start.rsi,
		.rflags = 2,
	};
	struct kvm_sregs sregs;

	REQUEST(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.cs = flat(is_long ? START_LONG_CODE : START_PROTECTED_CODE, TYPE_CODE, is_long);
	sregs.ds = flat(is_long ? START_LONG_DATA : START_PROTECTED_DATA, TYPE_DATA, false);
	sregs.es = sregs.ss = sregs.fs = sregs.gs = sregs.ds;
	sregs.gdt.base = start.gdt_base;
	sregs.gdt.limit = (u16)start.gdt_limit;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	if (is_long) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = start.cr3;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	REQUEST(vcpu->fd, KVM_SET_SREGS, &sregs);
	REQUEST(vcpu->fd, KVM_SET_REGS, &regs);
}

void vmm_vcpu_create(struct vmm *vmm, u32 index)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[index];

	vcpu->vmm = vmm;
	vcpu->index = index;
	vcpu->fd = REQUEST(vmm->vm, KVM_CREATE_VCPU, (uintptr_t)index);
	vcpu->run = mmap(NULL, (size_t)REQUEST(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
			 PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		vmm_fail("struct kvm_run: %m");
	cpuid_set(vcpu);
	set_msrs(vcpu);
	if (index == 0)
		start_first(vcpu);
}

static _Noreturn void end_with(const struct vmm_vcpu *vcpu, const char *why, u64 detail)
{
	struct kvm_regs regs;
	char text[200];

	REQUEST(vcpu->fd, KVM_GET_REGS, &regs);
	snprintf(text, sizeof(text), "vCPU %u: %s 0x%llx at RIP 0x%llx", vcpu->index, why,
		 (unsigned long long)detail, (unsigned long long)regs.rip);
	vmm_end(vcpu->vmm, 1, text);
}

static void handle(struct vmm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		devices_port(vcpu->vmm, run);
		break;
	case KVM_EXIT_MMIO:
		devices_mmio(vcpu->vmm, run);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		devices_eoi(vcpu->vmm, run->eoi.vector);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		end_with(vcpu, "triple fault, exit", KVM_EXIT_SHUTDOWN);
	case KVM_EXIT_FAIL_ENTRY:
		end_with(vcpu, "VM entry failed, reason",
			 run->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_INTERNAL_ERROR:
		end_with(vcpu, "KVM's internal error", run->internal.suberror);
	default:
		end_with(vcpu, "unknown exit", run->exit_reason);
	}
}

static void take_signal(int number)
{
	(void)number;
}

void *vmm_vcpu_run(void *argument)
{
	struct vmm_vcpu *vcpu = argument;

	signal(SIGUSR1, take_signal);
	if (vcpu->vmm->options.quiet && vcpu->index == 0)
		quiet_begin();
	for (;;) {
		devices_interrupt(vcpu);
		if (ioctl(vcpu->fd, KVM_RUN, 0) == 0)
			handle(vcpu);
		else if (errno != EINTR && errno != EAGAIN)
			vmm_fail("KVM_RUN: %m");
	}
	return NULL;
}
