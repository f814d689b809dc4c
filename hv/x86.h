/* SPDX-License-Identifier: MIT */
/* Privileged and special instructions, one function each.
 * VMX instructions stand in vmx/ops.h. Host tests have their own copy. */
#ifndef HV_X86_H
#define HV_X86_H

#include "hv/types.h"

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u16 in16(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 in32(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void out16(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void out32(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

#define X86_REGISTER(reg)                                                    \
	static inline u64 read_##reg(void)                                   \
	{                                                                    \
		u64 value;                                                   \
                                                                             \
		__asm__ volatile("mov %%" #reg ", %0" : "=r"(value));        \
		return value;                                                \
	}                                                                    \
	static inline void write_##reg(u64 value)                            \
	{                                                                    \
		__asm__ volatile("mov %0, %%" #reg ::"r"(value) : "memory"); \
	}

X86_REGISTER(cr0)
X86_REGISTER(cr2)
X86_REGISTER(cr3)
X86_REGISTER(cr4)
X86_REGISTER(dr6)

/* DR0 to DR3. */
static inline u64 read_breakpoint_address(u32 number)
{
	u64 value;

	switch (number) {
	case 0:
		__asm__ volatile("mov %%dr0, %0" : "=r"(value));
		break;
	case 1:
		__asm__ volatile("mov %%dr1, %0" : "=r"(value));
		break;
	case 2:
		__asm__ volatile("mov %%dr2, %0" : "=r"(value));
		break;
	default:
		__asm__ volatile("mov %%dr3, %0" : "=r"(value));
		break;
	}
	return value;
}

static inline void write_breakpoint_address(u32 number, u64 value)
{
	switch (number) {
	case 0:
		__asm__ volatile("mov %0, %%dr0" ::"r"(value));
		break;
	case 1:
		__asm__ volatile("mov %0, %%dr1" ::"r"(value));
		break;
	case 2:
		__asm__ volatile("mov %0, %%dr2" ::"r"(value));
		break;
	default:
		__asm__ volatile("mov %0, %%dr3" ::"r"(value));
		break;
	}
}

static inline void fxsave(void *area)
{
	__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static inline void fxrstor(const void *area)
{
	__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

/* The state components of the mask that XCR0 enables. */
static inline void xsave(void *area, u64 mask)
{
	__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)mask), "d"((u32)(mask >> 32))
			 : "memory");
}

/* The same in the compacted form. */
static inline void xsavec(void *area, u64 mask)
{
	__asm__ volatile("xsavec64 (%0)" ::"r"(area), "a"((u32)mask), "d"((u32)(mask >> 32))
			 : "memory");
}

static inline void xrstor(const void *area, u64 mask)
{
	__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)mask), "d"((u32)(mask >> 32))
			 : "memory");
}

static inline void xsetbv(u32 xcr, u64 value)
{
	__asm__ volatile("xsetbv" ::"c"(xcr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline void invlpg(const void *va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

struct table_register { /* as LGDT and LIDT read it */
	u16 limit;
	u64 base;
} __attribute__((packed));

static inline void load_gdt(const void *base, size_t limit)
{
	struct table_register gdtr = { (u16)limit, (uintptr_t)base };

	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
}

static inline void load_idt(const void *base, size_t limit)
{
	struct table_register idtr = { (u16)limit, (uintptr_t)base };

	__asm__ volatile("lidt %0" ::"m"(idtr) : "memory");
}

static inline void load_task_register(u16 selector)
{
	__asm__ volatile("ltr %0" ::"r"(selector) : "memory");
}

static inline void load_segment_registers(u64 code, u32 data)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %1, %%ds\n\t"
			 "movl %1, %%es\n\t"
			 "movl %1, %%ss\n\t"
			 "movl %1, %%fs\n\t"
			 "movl %1, %%gs" ::"r"(code),
			 "r"(data)
			 : "rax", "memory");
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}

/* Stop this CPU for good. */
_Noreturn static inline void halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

#endif
