/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE of L1, where they exit. */
#include "vmx/cpu_vmx.h"
#include "vmx/nested/insn_info.h"
#include "vmx/nested/nested.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Groups of fields whose values, or whose meaning for saved state, an exit leaves behind in vmcs02. */
#define SETTLES_LAZY (LAZY_GROUPS | 1u << DERIVE_CONTROLS)

static u64 encoding_of(struct vcpu *v, const struct insn_operand *operand)
{
	u64 encoding = vmx_register_read(v, operand->other);

	v->exit->detail = segment_is_64bit_code() ? encoding : (u32)encoding;
	return v->exit->detail;
}

static u32 operand_bytes(bool long_code)
{
	return long_code ? 8 : 4;
}

/* vmcs12 has no row for what it does not know: 0 then, and the access fails anyway. */
static u32 groups_of(u64 encoding)
{
	const struct vmcs_field_info *field = vmcs_field_find(encoding);

	return field ? derive_marks((enum vmcs12_row)(field - vmcs_field_table)) : 0;
}

/* A field that may be in vmcs02 only is brought back before it is read or written. */
static void settle(struct vcpu *v, struct context *context, u64 encoding, u32 groups)
{
	if (context->is_lazy && (groups_of(encoding) & groups))
		nested_sync(v, context);
}

static enum exit_action deliver(struct vcpu *v, const struct insn_operand *operand, u64 value)
{
	bool long_code = segment_is_64bit_code();

	if (operand->in_memory)
		return vmx_operand_write(v, &value, operand_bytes(long_code)) ? vmx_succeed()
									      : EXIT_RESUME;
	vmx_register_write(v, operand->reg, long_code ? value : (u32)value);
	return vmx_succeed();
}

enum exit_action exit_vmread(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct insn_operand operand;
	u64 encoding, value;
	u32 error;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	operand = vmx_operand_decode();
	encoding = encoding_of(v, &operand);
	settle(v, context, encoding, LAZY_GROUPS);
	error = vmcs12_read(&context->v12, &v->vm->nested->caps, encoding, &value);
	if (error)
		return vmx_fail(v, (enum vmx_error)error);
	return deliver(v, &operand, value);
}

/* False: the memory operand faulted. */
static bool take_value(struct vcpu *v, const struct insn_operand *operand, u64 *value)
{
	u32 bytes = operand_bytes(segment_is_64bit_code());

	*value = 0;
	if (operand->in_memory)
		return vmx_operand_read(v, value, bytes);
	*value = vmx_register_read(v, operand->reg);
	if (bytes == 4)
		*value = (u32)*value;
	return true;
}

/* 0, or the VM-instruction error. */
static u32 write_field(struct vcpu *v, struct context *context, u64 encoding, u64 value)
{
	const struct vmcs_field_info *field = vmcs_field_find(encoding);
	u32 row = field ? (u32)(field - vmcs_field_table) : 0;
	u64 before = context->v12.fields[row];
	u32 error = vmcs12_write(&context->v12, &v->vm->nested->caps, encoding, value);

	if (error)
		return error;
	nested_field_changed(context, row, before);
	if (field->shadow != VMCS_SHADOW_NONE && context->shadow.page) {
		shadow_push(context);
		vmcs_load(v->vmcs01.page);
	}
	return 0;
}

enum exit_action exit_vmwrite(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct insn_operand operand;
	u64 encoding, value;
	u32 error;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	operand = vmx_operand_decode();
	if (!take_value(v, &operand, &value))
		return EXIT_RESUME;
	encoding = encoding_of(v, &operand);
	settle(v, context, encoding, SETTLES_LAZY);
	error = write_field(v, context, encoding, value);
	return error ? vmx_fail(v, (enum vmx_error)error) : vmx_succeed();
}
