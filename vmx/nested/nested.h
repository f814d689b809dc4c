/* SPDX-License-Identifier: MIT */
/*
 * L1's VMX operation, for the files of vmx/nested/. What vmx/ calls of it stands in vmx/exit.h and
 * vmx/nested_calls.h, because vmx/ lies below.
 */
#ifndef VMX_NESTED_NESTED_H
#define VMX_NESTED_NESTED_H

#include "hv/vectors.h"
#include "mm/change.h"
#include "vmx/exit.h"
#include "vmx/nested/context.h"
#include "vmx/nested/derive.h"
#include "vmx/nested/entry_checks.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/vmx_error.h"
#include "vmx/ops.h"
#include "vmx/segment.h"

#define NESTED_WATCH_BUCKETS 64u

/* One for the VM; constant but for the pool and the watchers. */
struct nested_vm {
	struct vmx_caps caps; /* as L1 sees them */
	struct vmcs12_index fields;
	struct vmx_caps identity_caps; /* identity_ept.h */
	struct entry_check_cpu check_cpu;
	struct derive_inputs derive; /* L0's own needs */
	struct context_pool contexts;
	u64 *vmread_bitmap, *vmwrite_bitmap; /* NULL: no VMCS shadowing */
	struct msr_bitmap *msr_bitmap;       /* what L0 lets through for any L2 */
	struct ept02 *ept02;
	struct context *watchers[NESTED_WATCH_BUCKETS]; /* vmx/nested/msr_merge.c */
};

/* One for each vCPU. */
struct nested {
	bool in_operation; /* between VMXON and VMXOFF */
	bool long_mode;    /* of L1, which VMX operation keeps as it is */
	l1_gpa_t vmxon_region;
	struct context *current; /* of the current VMCS; NULL: none */
	struct ept02_root *root; /* of the L2 that was entered last; NULL: none */
	bool was_launched;       /* vmcs12, when the entry began that is under way */
	u64 feature_control;
	u64 vpid_epoch;     /* INVVPIDs that L1 did here, and VMXONs */
	bool deliver_in_l1; /* L1's APIC had events while L2 ran */
	bool looks_again;   /* L2 is left right behind its entry, for an event that waits */
	bool has_events;    /* L1 had, when the entry under way began */
	u64 page_deadline;  /* until when memory is waited for (pages.h); 0: nothing is */
	bool blocks_nmis;   /* ENTRY_OWN_NMIS: throughout L2's turn, whatever L2 does */
	struct derive_inputs derive; /* the VM's, with what the entry under way adds */
	u64 right_eptp;              /* an EPTP that VM entry would take; 0: none known */
	bool loads_pdptes;           /* by the entry under way: */
	u64 pdptes[4];
	struct ept02_vcpu ept02;
	struct vmcs12 copy; /* of a VMCS in L1's memory, on its way into a context */
};

/* --- how a VMX instruction ends (SDM "Conventions" of the VMX instruction reference) ---------- */

/* RFLAGS, and the error number in the current VMCS, where there is one. */
static inline enum exit_action vmx_succeed(void)
{
	return EXIT_SKIP_SUCCEED;
}
enum exit_action vmx_fail(struct vcpu *v, enum vmx_error error);
enum exit_action vmx_fail_invalid(void);
/* A fault with error code 0 where it has one; false for return. */
bool vmx_fault(struct vcpu *v, enum vector vector);

/*
 * What all VMX instructions but VMXON check first: #UD outside VMX operation, #GP(0) above CPL 0.
 * (The CPU itself has checked the mode.) False: the fault was injected.
 */
bool vmx_insn_refused(struct vcpu *v);
static inline bool vmx_insn_allowed(struct vcpu *v)
{
	/* A VMCS is current in VMX operation only. */
	if (likely((v->nested->current || v->nested->in_operation) && segment_cpl() == 0))
		return true;
	return vmx_insn_refused(v);
}

/*
 * The memory operand of the instruction that exits: read or written through L1's paging. False: it
 * faulted, and the fault was injected.
 */
bool vmx_operand_read(struct vcpu *v, void *value, u32 bytes);
/* Only its first u64 counts; the instruction information is at hand. */
bool vmx_operand_read_first(struct vcpu *v, u32 info, u64 *value, u32 bytes);
bool vmx_operand_write(struct vcpu *v, const void *value, u32 bytes);
/* A register operand. */
static inline u64 vmx_register_read(const struct vcpu *v, enum gpr reg)
{
	return unlikely(reg == GPR_RSP) ? vmcs_read(VMCS_GUEST_RSP) : v->regs[reg];
}

static inline void vmx_register_write(struct vcpu *v, enum gpr reg, u64 value)
{
	if (unlikely(reg == GPR_RSP))
		vmcs_write(VMCS_GUEST_RSP, value);
	else
		v->regs[reg] = value;
}

/* --- the current VMCS ------------------------------------------------------------------------- */

/* Another VMCS, or none, is current from now on; what vmcs12 holds stays in the context. */
void nested_leave_current(struct vcpu *v);
/* vmcs12 has all that L1 wrote and all that L2 left. vmcs01 is current before and after. */
void nested_sync(struct vcpu *v, struct context *context);
/* vmcs12 into L1's memory; where that has no region, what L1 wrote is lost with the page. */
void nested_write_back(struct vm *vm, const struct context *context);

/* What a field's change marks, from the tables of derive.h and entry_checks.h side by side; made
 * once at boot. */
struct field_effect {
	u64 mask; /* what the field can hold */
	u32 unchecked;
	u16 dirty;
	bool is_special; /* the checks depend on the values */
	bool is_info; /* exit information: not for every L1 to write, and L0 shadows some of it */
};
extern struct field_effect field_effects[VMCS12_ROWS] __attribute__((visibility("hidden")));

/* A field of vmcs12 became another: what has to be derived and checked again. */
static inline void nested_field_changed(struct context *context, u32 row, u64 before)
{
	u64 after = context->v12.fields[row];

	if (before == after)
		return;
	if (unlikely(field_effects[row].is_special))
		context->unchecked |= entry_checks_after_write((enum vmcs12_row)row, before, after);
	else
		context->unchecked |= field_effects[row].unchecked;
	context->dirty |= field_effects[row].dirty;
}

/* --- vmcs02 ----------------------------------------------------------------------------------- */

/* Its memory; controls and host state are written when a CPU first uses it. 0 or -ENOMEM. */
int vmcs02_create(struct context *context);
/* The groups in which it is behind; it is current, and the vCPU's. */
void vmcs02_update(struct vcpu *v, struct context *context, const struct derive_inputs *in);
/* Guest state that v12 does not have: what L1 sees at an exit without looking (but RIP), what tells
 * L2's mode, all of it. It is current. */
void vmcs02_save(struct context *context);
void vmcs02_save_mode(struct context *context);
void vmcs02_save_lazy(struct vcpu *v, struct context *context);
/* Groups that are made of lazy guest state. */
#define LAZY_GROUPS (1u << DERIVE_CR | 1u << DERIVE_SEGMENTS | 1u << DERIVE_MSRS)
/* Registers that L1 and L2 may share: vmx/nested/shared.c. With vmcs01 current before an entry, and
 * with vmcs02. */
void shared_note_l1(struct vcpu *v, const struct vmcs12 *v12);
void shared_enter(const struct vcpu *v, struct context *context);
/* Clear it on this CPU, so that another may use it, or its page may go. */
void vmcs02_clear(struct context *context);

/* --- entries and exits ------------------------------------------------------------------------ */

/* An exit that L0 makes, rather than the CPU (SDM "VM-Exit Information Fields"). */
struct exit12 {
	u32 reason;
	u32 intr_info, intr_error;
	u32 insn_length;
	u64 qualification;
	u64 linear, physical; /* of an EPT violation or misconfiguration */
};

/* L2 leaves to L1 with it. vmcs02 is current before, vmcs01 afterwards. */
void nested_reflect(struct vcpu *v, const struct exit12 *exit);
/* The same with the exit in hand, which vmcs02 tells of; for EPT12's violations and
 * misconfigurations, but for these. */
void nested_reflect_hardware(struct vcpu *v);
void nested_reflect_ept(struct vcpu *v, u32 reason, u64 qualification);
/*
 * L1's VMX-preemption timer shares the CPU's with L0's deadlines. It begins with the exit that
 * enters L2, before L2's VMCS is current, and runs until L2 is left, whatever L0 does meanwhile;
 * then it is saved where L1 asks for that.
 */
void l2_timer_start(struct vcpu *v, const struct vmcs12 *v12);
void l2_timer_stop(struct vcpu *v, struct vmcs12 *v12, u64 left_at);
static inline bool l2_timer_is_due(const struct vcpu *v, u64 now)
{
	return now >= v->l2_timer_due;
}

/* L1 goes on where it entered L2, whose state is saved. */
void nested_leave_without_exit(struct vcpu *v);
/* Out of L2 again at once, after the event that the entry delivers. */
void nested_look_again(struct vcpu *v);
/* VM entry fails in loading guest state: exit 33 or 34. In L1 or, after its MSRs, in L2. */
void nested_entry_fails(struct vcpu *v, u32 reason, u64 qualification);

/* An access to a control register that is not L1's to handle. */
enum exit_action exit02_cr_access(struct vcpu *v);
/* EPT violations and misconfigurations. */
enum exit_action exit02_ept(struct vcpu *v);
void exit02_ept_ahead(struct vcpu *v, struct context *context);

/* Lists of MSRs. 0, or the number of the entry, from 1 on, that cannot be done. */
u32 msr_list_load(struct vcpu *v, l1_gpa_t list, u32 count);
u32 msr_list_store(struct vcpu *v, l1_gpa_t list, u32 count);

/* Another vCPU wants what is here: a context, or hardware state that is active on this CPU. */
void nested_yield(struct vcpu *v);

static inline bool nested_has_control2(const struct vmcs12 *v12, u32 control)
{
	return (v12->CPU_CONTROLS & CPU_SECONDARY) && (v12->CPU_CONTROLS2 & control);
}

static inline bool nested_has_ept(const struct vmcs12 *v12)
{
	return nested_has_control2(v12, CPU2_ENABLE_EPT);
}
/* The EPTP of the L2's EPT12, be it L1's or the identity. */
u64 nested_eptp12(const struct vcpu *v, const struct vmcs12 *v12);
/* Bring vmcs02, which is current, to what vmcs12 says. */
void nested_update(struct vcpu *v, struct context *context);

/* EPT02's callbacks. */
const struct ept02_ops *ept02_glue_init(struct vm *vm);

/* vmcs02's MSR bitmap: what L0 or L1 wants to see. */
void msr_bitmap_make(struct vcpu *v, struct context *context);
static inline void msr_bitmap_merge(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;

	if (unlikely(!context->is_merged || context->msr_gfn != v12->MSR_BITMAP >> PAGE_SHIFT ||
		     (context->plan.extras & ENTRY_NO_BITMAP)))
		msr_bitmap_make(v, context);
}
/* The context is another VMCS's. */
void msr_bitmap_forget(const struct vm *vm, struct context *context);
/* L1's memory: lock held, these pages change; or one is about to be written to. */
void msr_bitmap_zap(const struct vm *vm, struct gfn_range range);
void msr_bitmap_written(const struct vm *vm, l1_gfn_t gfn);

/* Translations of L2 on this CPU: EPTP02 and VPID02 for the entry. vmcs02 is current. */
void translations_enter(struct vcpu *v, struct context *context);
/* The vCPU enters no L2 until translations_enter(). */
void translations_leave(struct vcpu *v);
/* L1's memory changed: what this CPU cached of L2's. */
void translations_flush(struct vcpu *v);

#endif
