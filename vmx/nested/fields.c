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
	u32 info;      /* VM-exit instruction information */
	bool long_code; /* operands of 64 bits, else of 32 */
	u64 encoding;
	const struct vmcs_field_info *field; /* NULL: L1 has no such field */
};

static struct field_access access_of(struct vcpu *v)
{
	struct field_access a = { .info = (u32)vmcs_read(VMCS_EXIT_INSN_INFO),
				  .long_code = segment_is_64bit_code() };

	a.encoding = vmx_register_read(v, insn_info_other(a.info));
	if (unlikely(!a.long_code))
		a.encoding = (u32)a.encoding;
	v->exit->detail = a.encoding;
	a.field = vmcs12_find(&v->vm->nested->caps, a.encoding);
	return a;
}

/* What may be in vmcs02 only is brought back before L1 reads it, or changes what is kept there. */
static inline void settle(struct vcpu *v, struct context *context, const struct field_access *a,
			  u32 groups)
{
	if (unlikely(context->is_lazy) &&
	    (derive_marks((enum vmcs12_row)vmcs12_row_of(a->field)) & groups))
		nested_sync(v, context);
}

static u32 bytes_of(const struct field_access *a)
{
	return a->long_code ? 8 : 4;
}

enum exit_action exit_vmread(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct field_access a;
	u64 value;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	a = access_of(v);
	if (!a.field)
		return vmx_fail(v, VMX_ERROR_UNSUPPORTED_FIELD);
	settle(v, context, &a, LAZY_GROUPS);
	value = vmcs12_get(&context->v12, a.field, a.encoding);
	if (!(a.info & INSN_INFO_REGISTER))
		return vmx_operand_write(v, &value, bytes_of(&a)) ? vmx_succeed() : EXIT_RESUME;
	vmx_register_write(v, insn_info_reg(a.info), a.long_code ? value : (u32)value);
	return vmx_succeed();
}

/* False: the memory operand faulted. */
static bool take_value(struct vcpu *v, const struct field_access *a, u64 *value)
{
	*value = 0;
	if (!(a->info & INSN_INFO_REGISTER))
		return vmx_operand_read(v, value, bytes_of(a));
	*value = vmx_register_read(v, insn_info_reg(a->info));
	if (!a->long_code)
		*value = (u32)*value;
	return true;
}

/* 0, or the VM-instruction error. */
static u32 write_field(struct vcpu *v, struct context *context, const struct field_access *a,
		       u64 value)
{
	u32 row = vmcs12_row_of(a->field);
	u64 before = context->v12.fields[row];
	u32 error = vmcs12_write(&context->v12, &v->vm->nested->caps, a->encoding, value);

	if (error)
		return error;
	nested_field_changed(context, row, before);
	if (unlikely(a->field->shadow != VMCS_SHADOW_NONE) && context->shadow.page) {
		shadow_push(context);
		vmcs_load(v->vmcs01.page);
	}
	return 0;
}

enum exit_action exit_vmwrite(struct vcpu *v)
{
	struct context *context = v->nested->current;
	struct field_access a;
	u64 value;
	u32 error;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	a = access_of(v);
	if (!take_value(v, &a, &value))
		return EXIT_RESUME;
	if (!a.field)
		return vmx_fail(v, VMX_ERROR_UNSUPPORTED_FIELD);
	settle(v, context, &a, SETTLES_LAZY);
	error = write_field(v, context, &a, value);
	return error ? vmx_fail(v, (enum vmx_error)error) : vmx_succeed();
}
