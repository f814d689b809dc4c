/* SPDX-License-Identifier: MIT */
/* VMX operation of each CPU that asks, and the making of an L2's VMCS. */
#include "tests/guest/lib/vmx.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/report.h"
#include "vmx/access_rights.h"

#define VMX_BASIC_TRUE BIT(55)

_Static_assert(offsetof(struct l2, launched) == 128, "vmx_enter.asm");
_Static_assert(VMCS_HOST_RSP == 0x6c14 && VMCS_HOST_RIP == 0x6c16, "vmx_enter.asm");

/* vmx_enter.asm */
enum l2_end { VM_EXITED, VM_FAIL_INVALID, VM_FAIL_VALID };
u32 l2_switch(struct l2 *l2);

/* By CPU, of its VMX operation. */
static struct {
	u64 vmxon_region; /* there from the first VMXON on */
	u64 cr0_before, cr4_before;
} cpus[CPUS_MAX];
static u64 msr_bitmap; /* of all L2s; there from the first VMXON on */

/* Where a set's capability MSR is, before and with the TRUE ones. */
static const struct {
	u32 msr, true_msr;
	enum vmcs_field field;
} sets[CONTROL_SETS] = {
	[CONTROL_SET_PIN] = { MSR_IA32_VMX_PINBASED, MSR_IA32_VMX_TRUE_PINBASED,
			      VMCS_PIN_CONTROLS },
	[CONTROL_SET_CPU] = { MSR_IA32_VMX_PROCBASED, MSR_IA32_VMX_TRUE_PROCBASED,
			      VMCS_CPU_CONTROLS },
	[CONTROL_SET_CPU2] = { MSR_IA32_VMX_PROCBASED2, MSR_IA32_VMX_PROCBASED2,
			       VMCS_CPU_CONTROLS2 },
	[CONTROL_SET_EXIT] = { MSR_IA32_VMX_EXIT, MSR_IA32_VMX_TRUE_EXIT, VMCS_EXIT_CONTROLS },
	[CONTROL_SET_ENTRY] = { MSR_IA32_VMX_ENTRY, MSR_IA32_VMX_TRUE_ENTRY, VMCS_ENTRY_CONTROLS },
};

const char *vmx_lacks(void)
{
	u64 control;

	if (!has_vmx())
		return "no VMX in CPUID";
	control = rdmsr(MSR_IA32_FEATURE_CONTROL);
	if ((control & FEATURE_CONTROL_LOCKED) && !(control & FEATURE_CONTROL_VMXON))
		return "IA32_FEATURE_CONTROL is locked without VMX";
	return NULL;
}

u64 vmx_capabilities(enum control_set set)
{
	bool has_true = rdmsr(MSR_IA32_VMX_BASIC) & VMX_BASIC_TRUE;

	return rdmsr(has_true ? sets[set].true_msr : sets[set].msr);
}

bool vmx_allows(enum control_set set, u32 mask)
{
	return ((u32)(vmx_capabilities(set) >> 32) & mask) == mask;
}

static void write_revision(u64 region)
{
	*(u32 *)region = (u32)rdmsr(MSR_IA32_VMX_BASIC) & 0x7fffffff;
}

u64 vmx_region_alloc(void)
{
	u64 region = memory_page_alloc();

	write_revision(region);
	return region;
}

/* The VM-instruction error, where there is a current VMCS that holds one. */
static u32 instruction_error(void)
{
	u64 error = 0;

	__asm__ volatile("vmread %1, %0" : "+r"(error) : "r"((u64)VMCS_INSN_ERROR) : "cc");
	return (u32)error;
}

_Noreturn static void failed(const char *insn, u64 operand)
{
	report_fatal("%s of 0x%llx failed, VM-instruction error %u", insn,
		     (unsigned long long)operand, instruction_error());
}

#define POINTER_INSN(name)                                                                \
	static void name(u64 region)                                                      \
	{                                                                                 \
		bool fails;                                                               \
                                                                                          \
		__asm__ volatile(#name " %1" : "=@ccbe"(fails) : "m"(region) : "memory"); \
		if (fails)                                                                \
			failed(#name, region);                                            \
	}
POINTER_INSN(vmxon)
POINTER_INSN(vmclear)
POINTER_INSN(vmptrld)

void vmx_on(void)
{
	u64 control = rdmsr(MSR_IA32_FEATURE_CONTROL), cr0 = read_cr0(), cr4 = read_cr4();
	u32 cpu = cpu_index();

	if (!(control & FEATURE_CONTROL_LOCKED))
		wrmsr(MSR_IA32_FEATURE_CONTROL,
		      control | FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCKED);
	cpus[cpu].cr0_before = cr0;
	cpus[cpu].cr4_before = cr4;
	write_cr0((cr0 | rdmsr(MSR_IA32_VMX_CR0_FIXED0)) & rdmsr(MSR_IA32_VMX_CR0_FIXED1));
	write_cr4((cr4 | rdmsr(MSR_IA32_VMX_CR4_FIXED0)) & rdmsr(MSR_IA32_VMX_CR4_FIXED1));
	if (!cpus[cpu].vmxon_region)
		cpus[cpu].vmxon_region = memory_page_alloc();
	write_revision(cpus[cpu].vmxon_region);
	if (!msr_bitmap)
		msr_bitmap = memory_page_alloc();
	vmxon(cpus[cpu].vmxon_region);
}

void vmx_off(void)
{
	u32 cpu = cpu_index();

	__asm__ volatile("vmxoff" ::: "cc", "memory");
	write_cr4(cpus[cpu].cr4_before);
	write_cr0(cpus[cpu].cr0_before);
}

u64 vmx_vmxon_region(void)
{
	return cpus[cpu_index()].vmxon_region;
}

u64 vmx_read(enum vmcs_field field)
{
	bool fails;
	u64 value;

	__asm__ volatile("vmread %2, %1" : "=@ccbe"(fails), "=r"(value) : "r"((u64)field));
	if (fails)
		failed("vmread", field);
	return value;
}

void vmx_write(enum vmcs_field field, u64 value)
{
	bool fails;

	__asm__ volatile("vmwrite %1, %2" : "=@ccbe"(fails) : "r"(value), "r"((u64)field));
	if (fails)
		failed("vmwrite", field);
}

void vmx_change(enum vmcs_field field, u64 set, u64 clear)
{
	vmx_write(field, (vmx_read(field) | set) & ~clear);
}

static void write_controls(enum control_set set, u32 wanted)
{
	if (!vmx_allows(set, wanted))
		report_fatal("controls 0x%x of set %d are not all there", wanted, set);
	vmx_write(sets[set].field, wanted | (u32)vmx_capabilities(set));
}

u64 vmx_tss_base(void)
{
	const u64 *descriptor =
		(const u64 *)(descriptor_gdt_pointer.base + TSS_SELECTOR + 16ULL * cpu_index());

	return (descriptor[0] >> 16 & BITS(23, 0)) | (descriptor[0] >> 32 & BITS(31, 24)) |
	       descriptor[1] << 32;
}

/* What both sides have: this CPU's state. */
static void write_shared_state(void)
{
	const struct {
		enum vmcs_field guest, host;
		u64 value;
	} rows[] = {
		{ VMCS_GUEST_CR0, VMCS_HOST_CR0, read_cr0() },
		{ VMCS_GUEST_CR3, VMCS_HOST_CR3, read_cr3() },
		{ VMCS_GUEST_CR4, VMCS_HOST_CR4, read_cr4() },
		{ VMCS_GUEST_SEL_CS, VMCS_HOST_SEL_CS, KERNEL_CS },
		{ VMCS_GUEST_SEL_SS, VMCS_HOST_SEL_SS, KERNEL_DS },
		{ VMCS_GUEST_SEL_DS, VMCS_HOST_SEL_DS, KERNEL_DS },
		{ VMCS_GUEST_SEL_ES, VMCS_HOST_SEL_ES, KERNEL_DS },
		{ VMCS_GUEST_SEL_FS, VMCS_HOST_SEL_FS, 0 },
		{ VMCS_GUEST_SEL_GS, VMCS_HOST_SEL_GS, 0 },
		{ VMCS_GUEST_SEL_TR, VMCS_HOST_SEL_TR, TSS_SELECTOR + 16 * cpu_index() },
		{ VMCS_GUEST_BASE_FS, VMCS_HOST_BASE_FS, rdmsr(MSR_IA32_FS_BASE) },
		{ VMCS_GUEST_BASE_GS, VMCS_HOST_BASE_GS, rdmsr(MSR_IA32_GS_BASE) },
		{ VMCS_GUEST_BASE_TR, VMCS_HOST_BASE_TR, vmx_tss_base() },
		{ VMCS_GUEST_BASE_GDTR, VMCS_HOST_BASE_GDTR, descriptor_gdt_pointer.base },
		{ VMCS_GUEST_BASE_IDTR, VMCS_HOST_BASE_IDTR, descriptor_idt_pointer.base },
		{ VMCS_GUEST_SYSENTER_CS, VMCS_HOST_SYSENTER_CS, rdmsr(MSR_IA32_SYSENTER_CS) },
		{ VMCS_GUEST_SYSENTER_ESP, VMCS_HOST_SYSENTER_ESP, rdmsr(MSR_IA32_SYSENTER_ESP) },
		{ VMCS_GUEST_SYSENTER_EIP, VMCS_HOST_SYSENTER_EIP, rdmsr(MSR_IA32_SYSENTER_EIP) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		vmx_write(rows[i].guest, rows[i].value);
		vmx_write(rows[i].host, rows[i].value);
	}
}

static void write_guest_state(void (*code)(void), u64 rsp)
{
	const struct {
		enum vmcs_field field;
		u64 value;
	} rows[] = {
		{ VMCS_GUEST_AR_CS, AR_G | AR_L | AR_P | AR_S | 0xb },
		{ VMCS_GUEST_AR_SS, AR_FLAT_DATA },
		{ VMCS_GUEST_AR_DS, AR_FLAT_DATA },
		{ VMCS_GUEST_AR_ES, AR_FLAT_DATA },
		{ VMCS_GUEST_AR_FS, AR_UNUSABLE },
		{ VMCS_GUEST_AR_GS, AR_UNUSABLE },
		{ VMCS_GUEST_AR_LDTR, AR_UNUSABLE },
		{ VMCS_GUEST_AR_TR, AR_BUSY_TSS },
		{ VMCS_GUEST_LIMIT_CS, ~0u },
		{ VMCS_GUEST_LIMIT_SS, ~0u },
		{ VMCS_GUEST_LIMIT_DS, ~0u },
		{ VMCS_GUEST_LIMIT_ES, ~0u },
		{ VMCS_GUEST_LIMIT_TR, 0x67 },
		{ VMCS_GUEST_LIMIT_GDTR, descriptor_gdt_pointer.limit },
		{ VMCS_GUEST_LIMIT_IDTR, descriptor_idt_pointer.limit },
		{ VMCS_GUEST_RIP, (u64)code },
		{ VMCS_GUEST_RSP, rsp },
		{ VMCS_GUEST_RFLAGS, RFLAGS_FIXED },
		{ VMCS_GUEST_DR7, DR7_AT_RESET },
		{ VMCS_LINK_POINTER, ~0ULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		vmx_write(rows[i].field, rows[i].value);
}

void l2_create(struct l2 *l2, void (*code)(void), u32 pin, u32 cpu)
{
	memset(l2, 0, sizeof(*l2));
	l2->vmcs = vmx_region_alloc();
	l2->stack = memory_page_alloc();
	vmclear(l2->vmcs);
	vmptrld(l2->vmcs);
	write_controls(CONTROL_SET_PIN, pin);
	write_controls(CONTROL_SET_CPU, cpu | CPU_MSR_BITMAPS);
	write_controls(CONTROL_SET_EXIT, EXIT_CTL_HOST_64BIT);
	write_controls(CONTROL_SET_ENTRY, ENTRY_CTL_IA32E_MODE);
	vmx_write(VMCS_MSR_BITMAP, msr_bitmap);
	write_shared_state();
	/* As at a function's first instruction: a return address that nobody uses. */
	write_guest_state(code, l2->stack + PAGE_SIZE - 8);
}

void l2_destroy(struct l2 *l2)
{
	vmclear(l2->vmcs);
	memory_page_free(l2->vmcs);
	memory_page_free(l2->stack);
}

void l2_load(const struct l2 *l2)
{
	vmptrld(l2->vmcs);
}

void l2_clear(struct l2 *l2)
{
	vmclear(l2->vmcs);
	l2->launched = 0;
}

void l2_arrive(const struct l2 *l2)
{
	l2_load(l2);
	vmx_write(VMCS_HOST_CR0, read_cr0());
	vmx_write(VMCS_HOST_CR4, read_cr4());
	vmx_write(VMCS_HOST_SEL_TR, TSS_SELECTOR + 16 * cpu_index());
	vmx_write(VMCS_HOST_BASE_TR, vmx_tss_base());
}

u32 l2_enter(struct l2 *l2)
{
	enum l2_end end = l2_switch(l2);
	u32 reason;

	if (end != VM_EXITED)
		return L2_VMFAIL | (end == VM_FAIL_VALID ? instruction_error() : 0);
	/* An exit gives both tables the largest limit. */
	__asm__ volatile("lgdt %0; lidt %1" ::"m"(descriptor_gdt_pointer),
			 "m"(descriptor_idt_pointer));
	reason = (u32)vmx_read(VMCS_EXIT_REASON);
	if (!(reason & EXIT_REASON_ENTRY_FAILURE))
		l2->launched = 1;
	return reason;
}
