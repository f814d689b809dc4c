/* SPDX-License-Identifier: MIT */
/*
 * Fetch, decode, check against what the exit reports, carry out. The CPU fetched the same bytes
 * before, so the fetch here fails only where L1 changed them or their mapping meanwhile: a #PF then
 * goes to L1, and an operand that is not where the exit says stops it. Nothing is done before
 * everything is known.
 */
#include "vmx/mmio.h"
#include "hv/format.h"
#include "hv/msr_index.h"
#include "hv/percpu.h"
#include "vmx/debug_access.h"
#include "vmx/inject.h"
#include "vmx/events.h"
#include "vmx/linear_now.h"
#include "vmx/mmio_execute.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

struct access {
	struct vcpu *v;
	const struct ept_violation *violation;
	const struct mmio_range *range; /* NULL: no device of the board */
	bool local_apic;                /* the vCPU's own registers */
	u64 linear;
	l1_gpa_t gpa;
	enum mmio_code code;
	struct mmio_insn insn;
	u8 bytes[INSN_BYTES_MAX]; /* of the instruction, as far as fetched */
	u32 count;
};

enum step { GO_ON, INJECTED, STOPPED };

const char *mmio_access_name(u32 qualification)
{
	if (qualification & EPT_VIOLATION_WRITE)
		return "wrote to";
	return qualification & EPT_VIOLATION_FETCH ? "fetched from" : "read from";
}

static enum step refuse(const struct access *a, const char *why)
{
	static const char *const code_names[] = { "16-bit", "32-bit", "64-bit" };
	char bytes[3 * INSN_BYTES_MAX + 1] = "";
	u32 used = 0;

	for (u32 i = 0; i < a->count; i++)
		used += (u32)format_text(bytes + used, sizeof(bytes) - used, " %02x", a->bytes[i]);
	vm_stop_l1(a->v, "%s guest-physical 0x%llx: %s%s%s%s",
		   mmio_access_name(a->violation->qualification),
		   (unsigned long long)a->violation->gpa.raw, why, a->count ? "; code," : "",
		   a->count ? code_names[a->code] : "", bytes);
	return STOPPED;
}

/* An access that no instruction's operand explains has no decoded form: NULL, or what it is. */
static const char *not_an_operand(u32 qualification)
{
	if (vmcs_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID)
		return "in the delivery of an event, where there is no writable memory";
	if (qualification & EPT_VIOLATION_FETCH)
		return "where there is no memory";
	if (!(qualification & EPT_VIOLATION_LINEAR))
		return "without a linear address";
	if (!(qualification & EPT_VIOLATION_OPERAND))
		return "in a walk of its paging structures, which are not in writable memory";
	return NULL;
}

static enum mmio_code code_now(const struct paging_mode *mode)
{
	u64 rights = vmcs_read(VMCS_GUEST_AR_CS);

	if ((mode->efer & EFER_LMA) && (rights & AR_L))
		return MMIO_CODE_64;
	return rights & AR_DB ? MMIO_CODE_32 : MMIO_CODE_16;
}

/* Take the code bytes from here on, all in one page. */
static enum step fetch(struct access *a, const struct paging_mode *mode, u64 linear, u32 bytes)
{
	struct linear_result r = linear_now(a->v, mode, linear, LINEAR_FETCH);

	if (r.is_refused)
		return INJECTED;
	if (r.faults) {
		inject_page_fault(a->v, linear, r.error_code);
		return INJECTED;
	}
	if (walk_cache_read(&a->v->walk, r.gpa, a->bytes + a->count, bytes))
		return refuse(a, "by code outside memory");
	a->count += bytes;
	return GO_ON;
}

static u64 code_linear(const struct access *a, u64 rip)
{
	return a->code == MMIO_CODE_64 ? rip : (u32)(rip + vmcs_read(VMCS_GUEST_BASE_CS));
}

/* The page behind the first is looked at only if the instruction goes on there. */
static enum step fetch_and_decode(struct access *a)
{
	const struct paging_mode mode = linear_mode_now(a->v);
	enum mmio_result result;
	enum step step;
	u64 linear;
	u32 first;

	a->code = code_now(&mode);
	linear = code_linear(a, a->v->exit->rip);
	first = (u32)MIN(INSN_BYTES_MAX, PAGE_SIZE - linear % PAGE_SIZE);
	step = fetch(a, &mode, linear, first);
	if (step != GO_ON)
		return step;
	result = mmio_decode(&a->insn, a->code, a->bytes, a->count);
	if (result == MMIO_TRUNCATED) {
		linear = code_linear(a, a->v->exit->rip + first);
		step = fetch(a, &mode, linear, INSN_BYTES_MAX - first);
		if (step != GO_ON)
			return step;
		result = mmio_decode(&a->insn, a->code, a->bytes, a->count);
	}
	return result == MMIO_DECODED ? GO_ON : refuse(a, "by an instruction that is not emulated");
}

/*
 * The linear address that the exit tells. Of an APIC access it tells the offset in the page only;
 * whatever the page, the operand can reach no more than the vCPU's own registers.
 */
static u64 told_linear(const struct access *a, u64 linear)
{
	if (a->violation->apic_access)
		return ALIGN_DOWN(linear, PAGE_SIZE) + a->violation->gpa.raw % PAGE_SIZE;
	return vmcs_read(VMCS_GUEST_LINEAR_ADDR);
}

/* Where the operand lies, which must be where the exit says. */
static enum step locate(struct access *a)
{
	static const enum vmcs_field bases[] = {
		[MMIO_ES] = VMCS_GUEST_BASE_ES, [MMIO_CS] = VMCS_GUEST_BASE_CS,
		[MMIO_SS] = VMCS_GUEST_BASE_SS, [MMIO_DS] = VMCS_GUEST_BASE_DS,
		[MMIO_FS] = VMCS_GUEST_BASE_FS, [MMIO_GS] = VMCS_GUEST_BASE_GS,
	};
	u64 base = vmcs_read(bases[a->insn.address.segment]);
	u64 linear = mmio_linear(&a->insn, a->v->regs, a->v->exit->rip, base);
	u64 offset = linear % PAGE_SIZE;

	if (offset + a->insn.bytes > PAGE_SIZE)
		return refuse(a, "by an access that crosses a page");
	if (told_linear(a, linear) - linear >= a->insn.bytes)
		return refuse(a, "by an instruction whose operand lies elsewhere");
	a->linear = linear;
	a->gpa = l1_gpa(ALIGN_DOWN(a->violation->gpa.raw, PAGE_SIZE) + offset);
	a->local_apic = ALIGN_DOWN(a->gpa.raw, PAGE_SIZE) == lapic_mmio_page(&a->v->lapic);
	if (a->local_apic)
		return GO_ON;
	a->range = vm_find_mmio(a->v->vm, a->gpa);
	if (a->range != vm_find_mmio(a->v->vm, l1_gpa_add(a->gpa, a->insn.bytes - 1ULL)))
		return refuse(a, "by an access that crosses the end of a device's range");
	return GO_ON;
}

/* Only aligned 32-bit accesses are defined (SDM "The Local APIC Block Diagram"):
 * others reach no register. */
static bool is_apic_register(const struct access *a)
{
	return a->insn.bytes == 4 && IS_ALIGNED(a->gpa.raw, 4);
}

static u64 read_apic(const struct access *a)
{
	if (!is_apic_register(a))
		return mmio_mask(a->insn.bytes);
	return lapic_read(&a->v->lapic, (u32)(a->gpa.raw % PAGE_SIZE), a->v->exit->tsc);
}

static void write_apic(const struct access *a, u64 value)
{
	struct lapic_effect effect;

	if (!is_apic_register(a))
		return;
	effect = lapic_write(&a->v->lapic, (u32)(a->gpa.raw % PAGE_SIZE), (u32)value,
			     a->v->exit->tsc);
	(void)lapic_apply(a->v, &effect); /* no xAPIC register faults */
}

static u64 read_operand(const struct access *a)
{
	const struct mmio_range *range = a->range;
	u64 mask = mmio_mask(a->insn.bytes);
	u64 value = 0;

	if (a->local_apic)
		return read_apic(a);
	if (range) {
		vm_devices_begin(a->v->vm, a->v->exit->tsc);
		value = range->read(range->device, a->gpa.raw - range->first.raw, a->insn.bytes);
		vm_devices_end(a->v->vm);
		return value & mask;
	}
	if (a->violation->read_only && !walk_cache_read(&a->v->walk, a->gpa, &value, a->insn.bytes))
		return value;
	counter_inc(CTR_MMIO_UNCLAIMED);
	return mask;
}

static void write_operand(const struct access *a, u64 value)
{
	const struct mmio_range *range = a->range;

	if (a->local_apic) {
		write_apic(a, value);
	} else if (range) {
		vm_devices_begin(a->v->vm, a->v->exit->tsc);
		range->write(range->device, a->gpa.raw - range->first.raw, a->insn.bytes, value);
		vm_devices_end(a->v->vm);
	} else if (!a->violation->read_only && !mmio_reads(&a->insn)) /* else the read counted */
		counter_inc(CTR_MMIO_UNCLAIMED);
}

/* The instruction's effects, beside those of its end. */
static void carry_out(struct access *a)
{
	u64 *regs = a->v->regs;
	u64 rsp = regs[GPR_RSP];
	u64 flags_before = vmcs_read(VMCS_GUEST_RFLAGS);
	u64 flags = flags_before;
	u64 old = mmio_reads(&a->insn) ? read_operand(a) : 0;

	if (mmio_writes(&a->insn))
		write_operand(a, mmio_store_value(&a->insn, regs, old));
	if (mmio_reads(&a->insn))
		mmio_finish_read(&a->insn, regs, &flags, old);
	if (flags != flags_before)
		vmcs_write(VMCS_GUEST_RFLAGS, flags);
	if (regs[GPR_RSP] != rsp)
		vmcs_write(VMCS_GUEST_RSP, regs[GPR_RSP]);
	debug_note_access(mmio_writes(&a->insn) ? ACCESS_WRITE : ACCESS_READ, a->linear,
			  a->insn.bytes);
}

enum exit_action mmio_access(struct vcpu *v, const struct ept_violation *violation)
{
	struct access a = { .v = v, .violation = violation };
	const char *why = not_an_operand(violation->qualification);
	enum step step;

	if (why) {
		refuse(&a, why);
		return EXIT_STOP;
	}
	v->regs[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP); /* an operand like the others */
	step = fetch_and_decode(&a);
	if (step == GO_ON)
		step = locate(&a);
	if (step == INJECTED)
		return EXIT_RESUME;
	if (step == STOPPED)
		return EXIT_STOP;
	carry_out(&a);
	v->insn_length = a.insn.length;
	return v->vm->stopping ? EXIT_STOP : EXIT_SKIP_DECODED; /* a power-off register */
}
