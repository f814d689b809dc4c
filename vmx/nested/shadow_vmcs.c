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
	u8 row;
	u8 class; /* enum vmcs_shadow */
};

#define SHADOW_IF_NONE(name)
#define SHADOW_IF_RO(name) [SHADOW_##name] = { VMCS_##name, VMCS12_ROW_##name, VMCS_SHADOW_RO },
#define SHADOW_IF_RW(name) [SHADOW_##name] = { VMCS_##name, VMCS12_ROW_##name, VMCS_SHADOW_RW },
static const struct shadow_field fields[SHADOW_FIELDS] = {
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
};

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
	for (u32 i = 0; i < SHADOW_FIELDS; i++) {
		pass(nested->vmread_bitmap, fields[i].encoding);
		if (fields[i].class == VMCS_SHADOW_RW)
			pass(nested->vmwrite_bitmap, fields[i].encoding);
	}
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
	for (u32 i = 0; i < SHADOW_FIELDS; i++)
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

/* A field of the shadow VMCS, which is current, as L1 left it. */
static inline __attribute__((always_inline)) void pull(struct context *context, u32 i,
						       enum vmcs_field field, u32 row)
{
	u64 value = vmcs_read_uncounted(field);
	u64 before = context->v12.fields[row];

	if (likely(value == context->shadow.holds[i]))
		return;
	context->shadow.holds[i] = value;
	context->v12.fields[row] = value;
	nested_field_changed(context, row, before);
}

#define SHADOW_IF_PULL_RW(name) pull(context, SHADOW_##name, VMCS_##name, VMCS12_ROW_##name);

void shadow_pull(struct context *context)
{
	struct shadow_vmcs *shadow = &context->shadow;

	if (!shadow->page)
		return;
	vmcs_load(shadow->page);
	counter_add(CTR_VMREAD, SHADOW_FIELDS_WRITTEN);
#define SHADOW_IF_PULL_NONE(name)
#define SHADOW_IF_PULL_RO(name)
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_PULL_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
	vmcs_clear(shadow->page);
}

#define SHADOW_IF_PUSH_RO(name) differs |= context->shadow.holds[SHADOW_##name] ^ context->v12.name;

/* Whether the shadow VMCS differs from vmcs12. */
static bool is_behind(const struct context *context)
{
	u64 differs = 0;

#define SHADOW_IF_PUSH_NONE(name)
#define SHADOW_IF_PUSH_RW(name)                      SHADOW_IF_PUSH_RO(name)
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_PUSH_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
	return differs;
}

static inline __attribute__((always_inline)) void push(struct shadow_vmcs *shadow, u32 i,
						       enum vmcs_field field, u64 value)
{
	if (likely(shadow->holds[i] == value))
		return;
	shadow->holds[i] = value;
	vmcs_write(field, value);
}

#define SHADOW_IF_SHOW_RO(name) push(shadow, SHADOW_##name, VMCS_##name, context->v12.name);

void shadow_push(struct context *context)
{
	struct shadow_vmcs *shadow = &context->shadow;

	shadow->may_be_behind = false;
	if (!shadow->page || likely(!is_behind(context)))
		return;
	vmcs_load(shadow->page);
#define SHADOW_IF_SHOW_NONE(name)
#define SHADOW_IF_SHOW_RW(name)                      SHADOW_IF_SHOW_RO(name)
#define FIELD(width, encoding, name, shadow, exists) SHADOW_IF_SHOW_##shadow(name)
#include "vmx/vmcs_fields.def"
#undef FIELD
	vmcs_clear(shadow->page);
}
