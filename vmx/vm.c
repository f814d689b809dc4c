/* SPDX-License-Identifier: MIT */
/* The VM as a whole: its devices' time and its end. */
#include "vmx/vm.h"
#include "hv/format.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/recorder.h"
#include "vmx/ops.h"
#include "vmx/request.h"

#define EXIT_CODE_L1_FAULT 2

void vm_devices_begin(struct vm *vm, u64 now)
{
	spin_lock(&vm->device_lock);
	vm->board->advance(now);
}

void vm_devices_end(struct vm *vm)
{
	u64 deadline = vm->board->deadline();
	bool changed = deadline != vm->board_deadline;

	__atomic_store_n(&vm->board_deadline, deadline, __ATOMIC_RELAXED);
	spin_unlock(&vm->device_lock);
	if (changed)
		vcpu_request(vm->vcpus[0], REQUEST_DEADLINE);
}

static void dump_registers(const struct vcpu *v)
{
	static const char names[GPRS][4] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};
	char line[120];
	size_t used = 0;

	for (u32 i = 0; i < GPRS; i++) {
		u64 value = i == GPR_RSP ? vmcs_read(VMCS_GUEST_RSP) : v->regs[i];

		used += format_text(line + used, sizeof(line) - used, "%3s %016llx%s", names[i],
				    (unsigned long long)value, i % 4 == 3 ? "" : "  ");
		if (i % 4 == 3) {
			log_line("L1", "%s", line);
			used = 0;
		}
	}
}

/* What of L1's state lives in the VMCS, for the dump. */
static const struct {
	enum vmcs_field field;
	const char *name;
} dump_fields[] = {
	{ VMCS_GUEST_RIP, "rip" },
	{ VMCS_GUEST_RFLAGS, "rflags" },
	{ VMCS_GUEST_CR0, "cr0" },
	{ VMCS_GUEST_CR3, "cr3" },
	{ VMCS_GUEST_CR4, "cr4" },
	{ VMCS_GUEST_EFER, "efer" },
	{ VMCS_GUEST_SEL_CS, "cs" },
	{ VMCS_GUEST_AR_CS, "cs.ar" },
	{ VMCS_GUEST_SEL_SS, "ss" },
	{ VMCS_GUEST_BASE_GDTR, "gdt" },
	{ VMCS_GUEST_BASE_IDTR, "idt" },
	{ VMCS_GUEST_LIMIT_IDTR, "idt.limit" },
	{ VMCS_GUEST_INTERRUPTIBILITY, "interruptibility" },
	{ VMCS_ENTRY_INTR_INFO, "entry event" },
	{ VMCS_IDT_VECTORING_INFO, "cut-short event" },
	{ VMCS_EXIT_QUALIFICATION, "qualification" },
};

void vm_stop_l1(struct vcpu *v, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	format_text_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_raw("nestor: L1 stopped: %s", text);
	log_line("L1", "vcpu %u at rip 0x%llx", v->index,
		 (unsigned long long)vmcs_read(VMCS_GUEST_RIP));
	dump_registers(v);
	for (u32 i = 0; i < ARRAY_SIZE(dump_fields); i++)
		log_line("L1", "%-16s %llx", dump_fields[i].name,
			 (unsigned long long)vmcs_read(dump_fields[i].field));
	recorder_dump(this_cpu(), EXIT_RECORDS);
	vm_stop(v->vm, EXIT_CODE_L1_FAULT);
}

void vm_stop(struct vm *vm, u32 code)
{
	vm->exit_code = code;
	__atomic_store_n(&vm->stopping, true, __ATOMIC_RELEASE);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpus[i], REQUEST_LEAVE);
}
