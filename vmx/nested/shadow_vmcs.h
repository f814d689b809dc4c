/* SPDX-License-Identifier: MIT */
/*
 * VMCS shadowing for L1: the fields that vmcs_fields.def marks RW and RO are read, and the first
 * also written, without an exit, in a VMCS of their own that vmcs01 links to. L0 keeps what the
 * shadow VMCS holds, and writes only what differs.
 */
#ifndef VMX_NESTED_SHADOW_VMCS_H
#define VMX_NESTED_SHADOW_VMCS_H

#include "vmx/nested/vmcs12.h"

/* The fields, as numbers. */
enum shadow_field_number {
#define SHADOW_NUMBER_NONE(name)
#define SHADOW_NUMBER_RO(name)                       SHADOW_##name,
#define SHADOW_NUMBER_RW(name)                       SHADOW_##name,
#define FIELD(width, encoding, name, shadow, exists) SHADOW_NUMBER_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
	SHADOW_FIELDS
};
/* How many of them L1 writes. */
#define SHADOW_COUNT_NONE                            0
#define SHADOW_COUNT_RO                              0
#define SHADOW_COUNT_RW                              1
#define FIELD(width, encoding, name, shadow, exists) +SHADOW_COUNT_##shadow
enum {
	SHADOW_FIELDS_WRITTEN =
#include "vmx/vmcs_fields.def"
};
#undef FIELD
_Static_assert(SHADOW_FIELDS <= 16, "moving them must cost less than the exits that they save");

struct shadow_vmcs {
	void *page; /* NULL: the CPU has no VMCS shadowing */
	u64 holds[SHADOW_FIELDS];
	bool may_be_behind; /* vmcs12 changed since the last push, other than by a pull */
};

struct context;
struct nested_vm;
struct vcpu;

/* The bitmaps that say which fields exit: for all vCPUs. 0 or -ENOMEM. */
int shadow_create_vm(struct nested_vm *nested);
int shadow_create(struct context *context);

/* The vCPU's VMREADs and VMWRITEs go to this context's shadow from now on; NULL: there is no
 * current VMCS. vmcs01 is current. Outside VMX operation they exit. */
void shadow_link(struct vcpu *v, const struct context *context);
void shadow_set_operation(struct vcpu *v, bool in_operation);

/* Take over into vmcs12 what L1 wrote, or show L1 what vmcs12 holds. Another VMCS is current
 * afterwards: the caller loads the one that it wants. */
void shadow_pull(struct context *context);
void shadow_push(struct context *context);

#endif
