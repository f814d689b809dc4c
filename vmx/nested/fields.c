/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE of L1, where they exit. */
#include "vmx/cpu_vmx.h"
#include "vmx/nested/insn_info.h"
#include "vmx/nested/nested.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Groups of fields that decide what the saving of lazy guest state does. */
#define SETTLES_LAZY (LAZY_GROUPS | 1u << DERIVE_CONTROLS)

/* The instruction of the exit. */
struct field_access {
	u32 info; /* VM-exit instruction information */
	u32 row;  /* of the field; VMCS12_ROWS: L1 has no such field */
	u64 encoding;
};

/* In IA-32e mode only 64-bit code has VMX instructions. */
static inline bool is_long_code(const struct vcpu *v)
{
	return v->nested->long_mode;
}

static inline struct field_access access_of(struct vcpu *v)
{
	struct field_access a = { .info = (u32)vmcs_read(VMCS_EXIT_INSN_INFO) };

	a.encoding = vmx_register_read(v, insn_info_other(a.info));
	if (unlikely(!is_long_code(v)))
		a.encoding = (u32)a.encoding;
	v->exit->detail = a.encoding;
	a.row = vmcs12_row(&v->vm->nested->fields, a.encoding);
	return a;
}

/* What may be in vmcs02 only is brought back before L1 reads it, or changes what is kept there. */
static inline void settle(struct vcpu *v, struct context *context, u32 row, u32 groups)
{
	if (unlikely(context->lazy) &&
	    ((derive_marks((enum vmcs12_row)row) & groups) || row == VMCS12_ROW_ENTRY_CONTROLS))
		nested_sync(v, context);
}

static u32 operand_bytes(const struct vcpu *v)
{
	return is_long_code(v) ? 8 : 4;
}

/* Without a current VMCS, or with the fault of vmx_insn_allowed() on its way. */
static enum exit_action __attribute__((noinline)) without_current(struct vcpu *v)
{
	if (v->nested->current || !vmx_insn_allowed(v))
		return EXIT_RESUME;
	return vmx_fail_invalid();
}

static enum exit_action __attribute__((noinline)) write_value(struct vcpu *v, u64 value)
{
	return vmx_operand_write(v, &value, operand_bytes(v)) ? vmx_succeed() : EXIT_RESUME;
}

enum exit_action exit_vmread(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct field_access a;
	u64 value;

	if (unlikely(!context) || !vmx_insn_allowed(v))
		return without_current(v);
	a = access_of(v);
	if (unlikely(a.row == VMCS12_ROWS))
		return vmx_fail(v, VMX_ERROR_UNSUPPORTED_FIELD);
	settle(v, context, a.row, LAZY_GROUPS);
	value = vmcs12_get(&context->v12, a.row, a.encoding);
	if (unlikely(!(a.info & INSN_INFO_REGISTER)))
		return write_value(v, value);
	vmx_register_write(v, insn_info_reg(a.info), is_long_code(v) ? value : (u32)value);
	return vmx_succeed();
}

static inline u64 register_value(const struct vcpu *v, u32 info)
{
	u64 value = vmx_register_read(v, insn_info_reg(info));

	return likely(is_long_code(v)) ? value : (u32)value;
}

/* The shadow VMCS may have the field; those that L1 writes there do not exit. */
static void __attribute__((noinline)) show(struct vcpu *v, struct context *context)
{
	shadow_push(context);
	vmcs_load(v->vmcs01.page);
}

/* Any field, by all the rules. */
static enum exit_action __attribute__((noinline))
write_field(struct vcpu *v, struct context *context, const struct field_access *a, u64 value)
{
	u32 error = vmcs12_write_error(&v->vm->nested->fields, a->row, a->encoding);
	u64 before;

	if (error)
		return vmx_fail(v, (enum vmx_error)error);
	settle(v, context, a->row, SETTLES_LAZY);
	before = context->v12.fields[a->row];
	vmcs12_put(&context->v12, a->row, a->encoding, value);
	nested_field_changed(context, a->row, before);
	if (field_effects[a->row].is_info)
		show(v, context);
	return vmx_succeed();
}

static enum exit_action __attribute__((noinline))
write_from_memory(struct vcpu *v, struct context *context, const struct field_access *a)
{
	u64 value = 0;

	if (!vmx_operand_read(v, &value, operand_bytes(v)))
		return EXIT_RESUME;
	return write_field(v, context, a, value);
}

/* The usual VMWRITE: a whole field that has no rules of its own. */
static inline bool is_plain(const struct context *context, const struct field_access *a)
{
	const struct field_effect *effect = &field_effects[a->row];

	return !context->lazy && !(a->encoding & VMCS_ENCODING_HIGH) && !effect->is_special &&
	       !effect->is_info;
}

enum exit_action exit_vmwrite(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct field_access a;
	u64 value, *field;

	if (unlikely(!context) || !vmx_insn_allowed(v))
		return without_current(v);
	a = access_of(v);
	if (unlikely(!(a.info & INSN_INFO_REGISTER)))
		return write_from_memory(v, context, &a);
	value = register_value(v, a.info);
	if (unlikely(a.row == VMCS12_ROWS || !is_plain(context, &a)))
		return write_field(v, context, &a, value);
	value &= field_effects[a.row].mask;
	field = &context->v12.fields[a.row];
	if (*field == value)
		return vmx_succeed();
	*field = value;
	context->unchecked |= field_effects[a.row].unchecked;
	context->dirty |= field_effects[a.row].dirty;
	return vmx_succeed();
}
