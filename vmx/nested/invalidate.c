/* SPDX-License-Identifier: MIT */
/* INVEPT and INVVPID of L1 (SDM, both instructions' reference). */
#include "hv/msr_index.h"
#include "vmx/canonical.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/insn_info.h"
#include "vmx/nested/nested.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

enum invept_type { INVEPT_SINGLE = 1, INVEPT_GLOBAL = 2 };
enum invvpid_type { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL, INVVPID_RETAIN };

/* The type operand, which counts in full. Inline, as all on INVEPT's way. */
static inline u64 type_of(const struct vcpu *v, u32 info)
{
	u64 type = vmx_register_read(v, insn_info_other(info));

	return v->nested->long_mode ? type : (u32)type;
}

static bool is_offered(const struct vcpu *v, u64 cap)
{
	return v->vm->nested->caps.ept_vpid & cap;
}

static bool has_invept_type(const struct vcpu *v, u64 type)
{
	return (type == INVEPT_SINGLE && is_offered(v, EPT_CAP_MASK(INVEPT_SINGLE))) ||
	       (type == INVEPT_GLOBAL && is_offered(v, EPT_CAP_MASK(INVEPT_ALL)));
}

/* L1's EPTPs are few: the last one that was right is known. */
static bool is_right_eptp(struct vcpu *v, u64 eptp)
{
	if (likely(eptp == v->nested->right_eptp))
		return true;
	if (!entry_check_eptp(&v->vm->nested->caps, eptp))
		return false;
	v->nested->right_eptp = eptp;
	return true;
}

/* SDM "INVEPT": the descriptor is read whatever the type; its upper half is not looked at. */
enum exit_action exit_invept(struct vcpu *v)
{
	struct ept02_vcpu *vcpu = &v->nested->ept02;
	u64 type, eptp;
	u32 info;

	if (unlikely(!is_offered(v, EPT_CAP_MASK(INVEPT)))) {
		vmx_fault(v, VECTOR_UD);
		return EXIT_RESUME;
	}
	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	info = (u32)vmcs_read(VMCS_EXIT_INSN_INFO);
	type = type_of(v, info);
	if (!has_invept_type(v, type))
		return vmx_fail(v, VMX_ERROR_INVALIDATION_OPERAND);
	if (!vmx_operand_read_first(v, info, &eptp, 2 * sizeof(u64)))
		return EXIT_RESUME;
	if (type == INVEPT_GLOBAL)
		ept02_invept_all(vcpu);
	else if (is_right_eptp(v, eptp))
		ept02_invept_single(vcpu, eptp);
	else
		return vmx_fail(v, VMX_ERROR_INVALIDATION_OPERAND);
	return vmx_succeed();
}

static bool has_invvpid_type(const struct vcpu *v, u64 type)
{
	static const u64 caps[] = {
		[INVVPID_ADDRESS] = EPT_CAP_MASK(INVVPID_ADDRESS),
		[INVVPID_SINGLE] = EPT_CAP_MASK(INVVPID_SINGLE),
		[INVVPID_ALL] = EPT_CAP_MASK(INVVPID_ALL),
		[INVVPID_RETAIN] = EPT_CAP_MASK(INVVPID_RETAIN),
	};

	return type < ARRAY_SIZE(caps) && is_offered(v, caps[type]);
}

enum exit_action exit_invvpid(struct vcpu *v)
{
	struct {
		u64 vpid, linear;
	} operand;
	u64 type;

	if (!is_offered(v, EPT_CAP_MASK(INVVPID))) {
		vmx_fault(v, VECTOR_UD);
		return EXIT_RESUME;
	}
	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	type = type_of(v, (u32)vmcs_read(VMCS_EXIT_INSN_INFO));
	if (!has_invvpid_type(v, type))
		return vmx_fail(v, VMX_ERROR_INVALIDATION_OPERAND);
	if (!vmx_operand_read(v, &operand, sizeof(operand)))
		return EXIT_RESUME;
	if (operand.vpid >> 16 || (type != INVVPID_ALL && !operand.vpid) ||
	    (type == INVVPID_ADDRESS && !is_canonical(operand.linear, LINEAR_BITS)))
		return vmx_fail(v, VMX_ERROR_INVALIDATION_OPERAND);
	/* Whatever it names: every context of this vCPU is flushed before its next entry. */
	v->nested->vpid_epoch++;
	return vmx_succeed();
}
