/* SPDX-License-Identifier: MIT */
/* The shadow VMCS, its bitmaps, and what vmcs01 says of them. */
#include "vmx/nested/shadow_vmcs.h"
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/cpu_vmx.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"

#define REVISION_SHADOW (1u << 31)
#define NO_LINK         (~0ULL)

struct shadow_field {
	u16 encoding;
	u16 row;
};

/* First what L1 writes without an exit, then what it only reads. */
#define SHADOW_IF_RW_NONE(name)
#define SHADOW_IF_RW_RO(name)
#define SHADOW_IF_RW_RW(name) { VMCS_##name, VMCS12_ROW_##name },
#define SHADOW_IF_RO_NONE(name)
#define SHADOW_IF_RO_RO(name) { VMCS_##name, VMCS12_ROW_##name },
#define SHADOW_IF_RO_RW(name)

static const struct shadow_field written[] = {
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_RW_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
};

static const struct shadow_field fields[] = {
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_RW_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_RO_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
};

_Static_assert(ARRAY_SIZE(fields) <= SHADOW_FIELDS_MAX, "the copy has room");

/* Bitmaps are by bits 14:0 of the encoding; a bit that is 0 lets the access through. */
static void pass(u64 *bitmap, u16 encoding)
{
	bitmap[encoding / 64] &= ~BIT(encoding % 64);
}

/* Without VMWRITE to exit information L0 could not fill a shadow VMCS. */
static bool is_supported(void)
{
	return vmx_has_controls(CONTROL_SET_CPU2, CPU2_VMCS_SHADOWING) &&
	       (vmx_caps()->misc & VMX_MISC_VMWRITE_ANY);
}

int shadow_create_vm(struct nested_vm *nested)
{
	if (!is_supported())
		return 0;
	nested->vmread_bitmap = page_alloc(0);
	nested->vmwrite_bitmap = page_alloc(0);
	if (!nested->vmread_bitmap || !nested->vmwrite_bitmap)
		return -ENOMEM;
	memset(nested->vmread_bitmap, 0xff, PAGE_SIZE);
	memset(nested->vmwrite_bitmap, 0xff, PAGE_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		pass(nested->vmread_bitmap, fields[i].encoding);
	for (u32 i = 0; i < ARRAY_SIZE(written); i++)
		pass(nested->vmwrite_bitmap, written[i].encoding);
	return 0;
}

int shadow_create(struct context *context)
{
	u32 *page;

	if (!is_supported())
		return 0;
	page = vmcs_alloc();
	if (!page)
		return -ENOMEM;
	*page |= REVISION_SHADOW;
	context->shadow.page = page;
	/* The copy is zeroed; what a zeroed page means is the CPU's business. */
	vmcs_load_first(page);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		vmcs_write((enum vmcs_field)fields[i].encoding, 0);
	vmcs_clear(page);
	return 0;
}

void shadow_link(struct vcpu *v, const struct context *context)
{
	if (v->vm->nested->vmread_bitmap)
		vmcs_write(VMCS_LINK_POINTER,
			   context ? page_to_hpa(context->shadow.page).raw : NO_LINK);
}

void shadow_set_operation(struct vcpu *v, bool in_operation)
{
	const struct nested_vm *nested = v->vm->nested;
	u64 cpu2 = vmcs_read(VMCS_CPU_CONTROLS2) & ~(u64)CPU2_VMCS_SHADOWING;

	if (!nested->vmread_bitmap)
		return;
	if (in_operation) {
		vmcs_write(VMCS_VMREAD_BITMAP, page_to_hpa(nested->vmread_bitmap).raw);
		vmcs_write(VMCS_VMWRITE_BITMAP, page_to_hpa(nested->vmwrite_bitmap).raw);
		cpu2 |= CPU2_VMCS_SHADOWING;
	}
	vmcs_write(VMCS_CPU_CONTROLS2, cpu2);
}

void shadow_pull(struct context *context)
{
	struct shadow_vmcs *shadow = &context->shadow;

	if (!shadow->page)
		return;
	vmcs_load(shadow->page);
	for (u32 i = 0; i < ARRAY_SIZE(written); i++) {
		u64 value = vmcs_read((enum vmcs_field)written[i].encoding);
		u32 row = written[i].row;
		u64 before = context->v12.fields[row];

		if (value == shadow->holds[i])
			continue;
		shadow->holds[i] = value;
		context->v12.fields[row] = value;
		nested_field_changed(context, row, before);
	}
	vmcs_clear(shadow->page);
}

static bool is_behind(const struct context *context)
{
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		if (context->shadow.holds[i] != context->v12.fields[fields[i].row])
			return true;
	return false;
}

void shadow_push(struct context *context)
{
	struct shadow_vmcs *shadow = &context->shadow;

	if (!shadow->page || !is_behind(context))
		return;
	vmcs_load(shadow->page);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		u64 value = context->v12.fields[fields[i].row];

		if (shadow->holds[i] == value)
			continue;
		shadow->holds[i] = value;
		vmcs_write((enum vmcs_field)fields[i].encoding, value);
	}
	vmcs_clear(shadow->page);
}
