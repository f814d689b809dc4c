/* SPDX-License-Identifier: MIT */
/*
 * Exits of APIC virtualization. APIC-write exits and virtualized EOIs are traps: the instruction is
 * complete, RIP behind it. An APIC access is a fault, and goes the way of any access to a device.
 */
#include "vmx/events.h"
#include "vmx/exit.h"
#include "vmx/mmio.h"
#include "vmx/vm.h"

/* SDM "Exit Qualification for APIC-Access VM Exits". */
#define ACCESS_OFFSET(q) ((q)&0xfff)
#define ACCESS_TYPE(q)   ((q) >> 12 & 0xf)

enum access_type {
	ACCESS_READ = 0,
	ACCESS_WRITE = 1,
	ACCESS_FETCH = 2,
	ACCESS_TYPES = 16 /* the others: by no instruction's operand */
};

enum exit_action exit_apic_access(struct vcpu *v)
{
	static const u32 qualifications[ACCESS_TYPES] = {
		[ACCESS_READ] = EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND,
		[ACCESS_WRITE] = EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND | EPT_VIOLATION_WRITE,
		[ACCESS_FETCH] = EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND | EPT_VIOLATION_FETCH,
	};
	u64 q = exit_qualification(v);
	const struct ept_violation violation = {
		.gpa = l1_gpa(lapic_mmio_page(&v->lapic) + ACCESS_OFFSET(q)),
		.qualification = qualifications[ACCESS_TYPE(q)],
		.apic_access = true,
	};

	v->exit->detail = violation.gpa.raw;
	return mmio_access(v, &violation);
}

static enum exit_action apply(struct vcpu *v, struct lapic_effect effect)
{
	(void)lapic_apply(v, &effect); /* what would fault has done so before the exit */
	return v->vm->stopping ? EXIT_STOP : EXIT_RESUME;
}

enum exit_action exit_apic_write(struct vcpu *v)
{
	u32 offset = (u32)ACCESS_OFFSET(exit_qualification(v));

	v->exit->detail = offset;
	return apply(v, lapic_written(&v->lapic, offset, v->exit->tsc));
}

enum exit_action exit_virtualized_eoi(struct vcpu *v)
{
	u8 vector = (u8)exit_qualification(v);

	v->exit->detail = vector;
	return apply(v, lapic_eoi_done(&v->lapic, vector));
}
