/* SPDX-License-Identifier: MIT */
/*
 * Host double of hv/x86.h: the same functions, answered from tables that the test fills and
 * recorded for it to look at. CPUID leaves that were not set read as zeros; an MSR that was not set
 * ends the test, as #GP would end the hypervisor.
 */
#ifndef HV_X86_H
#define HV_X86_H

#include "hv/types.h"

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

#define HOST_X86_ROWS   128
#define HOST_X86_EVENTS 4096

enum host_x86_event_kind { HOST_X86_INVLPG, HOST_X86_WRMSR, HOST_X86_OUT };

struct host_x86_event { /* one effect that real hardware would have seen, oldest first */
	enum host_x86_event_kind kind;
	u64 where; /* address, MSR or port */
	u64 value;
};

struct host_x86 {
	struct {
		u32 leaf, subleaf;
		struct cpuid_regs regs;
	} cpuid[HOST_X86_ROWS];
	u32 cpuid_count;
	struct {
		u32 msr;
		u64 value;
	} msrs[HOST_X86_ROWS];
	u32 msr_count;
	u64 tsc;      /* what the next RDTSC gives */
	u64 tsc_step; /* and by how much each one moves it */
	u64 cr0, cr2, cr3, cr4;
	u32 (*port_in)(u16 port, u32 bytes); /* NULL: all ones, as where nothing answers */
	void (*pause)(void); /* what happens while a CPU waits; NULL: nothing of the test's */
	struct host_x86_event events[HOST_X86_EVENTS];
	u32 event_count; /* grows past HOST_X86_EVENTS; only the first ones are kept */
};

extern struct host_x86 host_x86;

/* Forget tables and events. */
void host_x86_reset(void);
/* Set a leaf or an MSR, whether or not it was set before. */
void host_cpuid_set(u32 leaf, u32 subleaf, struct cpuid_regs regs);
void host_msr_set(u32 msr, u64 value);
/* How many events of this kind, and of this kind at this place, there were. */
u32 host_x86_count(enum host_x86_event_kind kind);
u32 host_x86_count_at(enum host_x86_event_kind kind, u64 where);

struct cpuid_regs cpuid(u32 leaf, u32 subleaf);
u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 value);
u64 rdtsc(void);
u8 in8(u16 port);
u16 in16(u16 port);
u32 in32(u16 port);
void out8(u16 port, u8 value);
void out16(u16 port, u16 value);
void out32(u16 port, u32 value);
u64 read_cr0(void);
u64 read_cr2(void);
u64 read_cr3(void);
u64 read_cr4(void);
void write_cr0(u64 value);
void write_cr2(u64 value);
void write_cr3(u64 value);
void write_cr4(u64 value);
void invlpg(const void *va);
void cpu_pause(void);
void interrupts_off(void);
_Noreturn void halt_forever(void);

#endif
