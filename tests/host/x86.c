/* SPDX-License-Identifier: MIT */
/* The host double's CPU: tables for what is read, a list of events for what is done. */
#include "hv/x86.h"
#include <sched.h>
#include <string.h>
#include "hv/panic.h"
#include "hv/tsc.h"

struct host_x86 host_x86 = { .tsc_step = 1 };

void host_x86_reset(void)
{
	memset(&host_x86, 0, sizeof(host_x86));
	host_x86.tsc_step = 1;
}

void host_cpuid_set(u32 leaf, u32 subleaf, struct cpuid_regs regs)
{
	u32 i;

	for (i = 0; i < host_x86.cpuid_count; i++)
		if (host_x86.cpuid[i].leaf == leaf && host_x86.cpuid[i].subleaf == subleaf)
			break;
	ASSERT(i < HOST_X86_ROWS);
	host_x86.cpuid[i].leaf = leaf;
	host_x86.cpuid[i].subleaf = subleaf;
	host_x86.cpuid[i].regs = regs;
	host_x86.cpuid_count = MAX(host_x86.cpuid_count, i + 1);
}

struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < host_x86.cpuid_count; i++)
		if (host_x86.cpuid[i].leaf == leaf && host_x86.cpuid[i].subleaf == subleaf)
			return host_x86.cpuid[i].regs;
	return (struct cpuid_regs){ 0 };
}

void host_msr_set(u32 msr, u64 value)
{
	u32 i;

	for (i = 0; i < host_x86.msr_count; i++)
		if (host_x86.msrs[i].msr == msr)
			break;
	ASSERT(i < HOST_X86_ROWS);
	host_x86.msrs[i].msr = msr;
	host_x86.msrs[i].value = value;
	host_x86.msr_count = MAX(host_x86.msr_count, i + 1);
}

u64 rdmsr(u32 msr)
{
	for (u32 i = 0; i < host_x86.msr_count; i++)
		if (host_x86.msrs[i].msr == msr)
			return host_x86.msrs[i].value;
	panic("rdmsr of 0x%x, which the test did not set", msr);
}

static void record(enum host_x86_event_kind kind, u64 where, u64 value)
{
	u32 number = __atomic_fetch_add(&host_x86.event_count, 1, __ATOMIC_RELAXED);

	if (number < HOST_X86_EVENTS)
		host_x86.events[number] = (struct host_x86_event){ kind, where, value };
}

u32 host_x86_count(enum host_x86_event_kind kind)
{
	u32 count = 0;

	for (u32 i = 0; i < MIN(host_x86.event_count, (u32)HOST_X86_EVENTS); i++)
		count += host_x86.events[i].kind == kind;
	return count;
}

u32 host_x86_count_at(enum host_x86_event_kind kind, u64 where)
{
	u32 count = 0;

	for (u32 i = 0; i < MIN(host_x86.event_count, (u32)HOST_X86_EVENTS); i++)
		count += host_x86.events[i].kind == kind && host_x86.events[i].where == where;
	return count;
}

void wrmsr(u32 msr, u64 value)
{
	record(HOST_X86_WRMSR, msr, value);
	host_msr_set(msr, value);
}

u64 rdtsc(void)
{
	return __atomic_fetch_add(&host_x86.tsc, host_x86.tsc_step, __ATOMIC_RELAXED);
}

u64 tsc_hz(void)
{
	return BIT(40); /* a wait that is bounded in seconds ends when a test moves the time */
}

static u32 port_read(u16 port, u32 bytes)
{
	return host_x86.port_in ? host_x86.port_in(port, bytes) : ~0u;
}

u8 in8(u16 port)
{
	return (u8)port_read(port, 1);
}

u16 in16(u16 port)
{
	return (u16)port_read(port, 2);
}

u32 in32(u16 port)
{
	return port_read(port, 4);
}

void out8(u16 port, u8 value)
{
	record(HOST_X86_OUT, port, value);
}

void out16(u16 port, u16 value)
{
	record(HOST_X86_OUT, port, value);
}

void out32(u16 port, u32 value)
{
	record(HOST_X86_OUT, port, value);
}

#define CONTROL_REGISTER(reg)         \
	u64 read_##reg(void)          \
	{                             \
		return host_x86.reg;  \
	}                             \
	void write_##reg(u64 value)   \
	{                             \
		host_x86.reg = value; \
	}

CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

void invlpg(const void *va)
{
	record(HOST_X86_INVLPG, (u64)(uintptr_t)va, 0);
}

/* The CPU that this one waits for may be a thread that does not run. */
void cpu_pause(void)
{
	if (host_x86.pause)
		host_x86.pause();
	sched_yield();
}

void interrupts_off(void)
{
}

void halt_forever(void)
{
	panic("halt_forever");
}
