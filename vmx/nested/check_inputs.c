/* SPDX-License-Identifier: MIT */
/* Which sections of entry checks read which fields, so that a VMWRITE costs the checks that it can
 * change. A field without a row is read by no rule. */
#include "hv/msr_index.h"
#include "vmx/nested/entry_checks.h"

#define IN(id)           ENTRY_CHECK_MASK(id)
#define FOR(field)       [VMCS12_ROW_##field]
#define ALL(first, last) [VMCS12_ROW_##first... VMCS12_ROW_##last]

/* What depends on the secondary controls and on the bit that activates them. */
#define BY_CPU2                                                                                 \
	(IN(execution_controls) | IN(apic_controls) | IN(memory_controls) | IN(injection) |     \
	 IN(guest_registers) | IN(segment_addresses) | IN(code_and_stack) | IN(data_segments) | \
	 IN(link_pointer) | IN(pdptes))
/* What virtual-8086 mode changes. */
#define BY_V86 (IN(segment_addresses) | IN(v86_segments) | IN(code_and_stack) | IN(data_segments))

const u32 entry_check_readers[VMCS12_ROWS] = {
	FOR(VPID) = IN(memory_controls),
	FOR(PI_NOTIFICATION_VECTOR) = IN(apic_controls),

	FOR(GUEST_SEL_ES) = IN(v86_segments) | IN(data_segments),
	FOR(GUEST_SEL_CS) = IN(v86_segments) | IN(segment_addresses),
	FOR(GUEST_SEL_SS) = IN(v86_segments) | IN(segment_addresses) | IN(code_and_stack),
	ALL(GUEST_SEL_DS, GUEST_SEL_GS) = IN(v86_segments) | IN(data_segments),
	ALL(GUEST_SEL_LDTR, GUEST_SEL_TR) = IN(segment_addresses),
	FOR(GUEST_UINV) = IN(guest_msrs),
	ALL(HOST_SEL_ES, HOST_SEL_TR) = IN(host_segments),

	ALL(IO_BITMAP_A, MSR_BITMAP) = IN(execution_controls),
	ALL(EXIT_MSR_STORE_ADDR, EXIT_MSR_LOAD_ADDR) = IN(exit_controls),
	FOR(ENTRY_MSR_LOAD_ADDR) = IN(entry_controls),
	FOR(PML_ADDR) = IN(memory_controls),
	ALL(VIRTUAL_APIC_ADDR, PI_DESC_ADDR) = IN(apic_controls),
	ALL(VMFUNC_CONTROLS, EPT_POINTER) = IN(memory_controls),
	ALL(EPTP_LIST_ADDR, VE_INFO_ADDR) = IN(memory_controls),
	ALL(SPP_TABLE_POINTER, TSC_MULTIPLIER) = IN(memory_controls),
	FOR(CPU_CONTROLS3) = IN(execution_controls),
	ALL(PASID_DIR_LOW, PASID_DIR_HIGH) = IN(memory_controls),
	FOR(EXIT_CONTROLS2) = IN(exit_controls),

	FOR(LINK_POINTER) = IN(link_pointer),
	FOR(GUEST_DEBUGCTL) = IN(guest_msrs) | IN(pending_debug),
	ALL(GUEST_PAT, GUEST_PERF_GLOBAL_CTRL) = IN(guest_msrs),
	ALL(GUEST_PDPTE0, GUEST_PDPTE3) = IN(pdptes),
	ALL(GUEST_BNDCFGS, GUEST_PKRS) = IN(guest_msrs),
	ALL(HOST_PAT, HOST_PKRS) = IN(host_registers),

	FOR(PIN_CONTROLS) = IN(execution_controls) | IN(apic_controls) | IN(exit_controls) |
			    IN(interruptibility),
	FOR(CPU_CONTROLS) = BY_CPU2,
	FOR(CR3_TARGET_COUNT) = IN(execution_controls),
	FOR(EXIT_CONTROLS) = IN(apic_controls) | IN(memory_controls) | IN(exit_controls) |
			     IN(host_registers) | IN(host_segments) | IN(address_space),
	ALL(EXIT_MSR_STORE_COUNT, EXIT_MSR_LOAD_COUNT) = IN(exit_controls),
	FOR(ENTRY_CONTROLS) = IN(memory_controls) | IN(entry_controls) | IN(address_space) |
			      IN(guest_registers) | IN(guest_msrs) | IN(code_and_stack) |
			      IN(system_segments) | IN(rip) | IN(ssp) | IN(rflags) | IN(pdptes),
	FOR(ENTRY_MSR_LOAD_COUNT) = IN(entry_controls),
	FOR(ENTRY_INTR_INFO) = IN(injection) | IN(rflags) | IN(activity) | IN(interruptibility) |
			       IN(nmi_after_sti),
	ALL(ENTRY_ERROR_CODE, ENTRY_INSN_LEN) = IN(injection),
	FOR(TPR_THRESHOLD) = IN(apic_controls),
	FOR(CPU_CONTROLS2) = BY_CPU2,

	FOR(GUEST_LIMIT_ES) = IN(v86_segments) | IN(data_segments),
	ALL(GUEST_LIMIT_CS, GUEST_LIMIT_SS) = IN(v86_segments) | IN(code_and_stack),
	ALL(GUEST_LIMIT_DS, GUEST_LIMIT_GS) = IN(v86_segments) | IN(data_segments),
	ALL(GUEST_LIMIT_LDTR, GUEST_LIMIT_TR) = IN(system_segments),
	ALL(GUEST_LIMIT_GDTR, GUEST_LIMIT_IDTR) = IN(descriptor_tables),
	FOR(GUEST_AR_ES) = IN(v86_segments) | IN(segment_addresses) | IN(data_segments),
	FOR(GUEST_AR_CS) = IN(v86_segments) | IN(code_and_stack) | IN(rip) | IN(ssp),
	FOR(GUEST_AR_SS) =
		IN(v86_segments) | IN(segment_addresses) | IN(code_and_stack) | IN(activity),
	FOR(GUEST_AR_DS) = IN(v86_segments) | IN(segment_addresses) | IN(data_segments),
	ALL(GUEST_AR_FS, GUEST_AR_GS) = IN(v86_segments) | IN(data_segments),
	FOR(GUEST_AR_LDTR) = IN(segment_addresses) | IN(system_segments),
	FOR(GUEST_AR_TR) = IN(system_segments),
	FOR(GUEST_INTERRUPTIBILITY) =
		IN(activity) | IN(interruptibility) | IN(nmi_after_sti) | IN(pending_debug),
	FOR(GUEST_ACTIVITY) = IN(activity) | IN(pending_debug),

	FOR(GUEST_CR0) = IN(injection) | IN(guest_registers) | IN(guest_msrs) | IN(code_and_stack) |
			 IN(rflags) | IN(pdptes),
	FOR(GUEST_CR3) = IN(guest_registers),
	FOR(GUEST_CR4) = IN(guest_registers) | IN(pdptes),
	ALL(GUEST_BASE_ES, GUEST_BASE_GS) = IN(v86_segments) | IN(segment_addresses),
	ALL(GUEST_BASE_LDTR, GUEST_BASE_TR) = IN(segment_addresses),
	ALL(GUEST_BASE_GDTR, GUEST_BASE_IDTR) = IN(descriptor_tables),
	FOR(GUEST_DR7) = IN(guest_msrs),
	FOR(GUEST_RIP) = IN(rip),
	FOR(GUEST_RFLAGS) = BY_V86 | IN(rflags) | IN(interruptibility) | IN(pending_debug),
	FOR(GUEST_PENDING_DEBUG) = IN(pending_debug),
	ALL(GUEST_SYSENTER_ESP, GUEST_S_CET) = IN(guest_msrs),
	FOR(GUEST_SSP) = IN(ssp),
	FOR(GUEST_INT_SSP_TABLE) = IN(guest_msrs),

	ALL(HOST_CR0, HOST_CR3) = IN(host_registers),
	FOR(HOST_CR4) = IN(host_registers) | IN(address_space),
	ALL(HOST_BASE_FS, HOST_BASE_IDTR) = IN(host_segments),
	ALL(HOST_SYSENTER_ESP, HOST_SYSENTER_EIP) = IN(host_registers),
	FOR(HOST_RIP) = IN(address_space),
	ALL(HOST_S_CET, HOST_SSP) = IN(host_registers) | IN(address_space),
	FOR(HOST_INT_SSP_TABLE) = IN(host_registers),
};

/* Two fields that L1 writes often are read by many sections for one bit only. */
u32 entry_checks_after_special(enum vmcs12_row row, u64 before, u64 after)
{
	u64 changes = before ^ after;

	if (!changes)
		return 0;
	if (row == VMCS12_ROW_CPU_CONTROLS && !(changes & CPU_SECONDARY))
		return IN(execution_controls) | IN(apic_controls);
	if (row == VMCS12_ROW_GUEST_RIP && !(after >> 32))
		return 0; /* such an RIP is right for any code */
	if (row == VMCS12_ROW_GUEST_RFLAGS && !(changes & RFLAGS_VM))
		return entry_check_readers[row] & ~BY_V86;
	return entry_check_readers[row];
}

u32 entry_checks_of_memory(u32 need)
{
	return (need & NEED_VTPR ? IN(apic_controls) : 0) |
	       (need & NEED_LINK_HEADER ? IN(link_pointer) : 0) |
	       (need & NEED_PDPTES ? IN(pdptes) : 0);
}
