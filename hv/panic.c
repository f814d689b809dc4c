/* SPDX-License-Identifier: MIT */
/*
 * The end of the road. The first CPU that panics stops the others,
 * prints and ends the run; one that comes later only stops.
 * A fault inside the dump ends the run without more dump, one inside that halts.
 */
#include <stdarg.h>
#include "hv/format.h"
#include "hv/image.h"
#include "hv/log.h"
#include "hv/nmi.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/platform.h"
#include "hv/recorder.h"
#include "hv/stack.h"
#include "hv/symbols.h"
#include "hv/trap_frame.h"
#include "hv/x86.h"

#define TRACE_DEPTH 32u
#define EXITS_SHOWN 16u
#define MESSAGE_MAX 384

typedef unsigned long long ull;

static u32 owner; /* 1 + index of the CPU that panics; 0: none. Taken by one atomic exchange. */
static u32 depth; /* panics of that CPU so far */

static struct cpu *cpu_or_null(void)
{
	return cpu_count() != 0 ? this_cpu() : NULL;
}

static void enter_panic(void)
{
	struct cpu *cpu = cpu_or_null();
	u32 me = cpu != NULL ? cpu->index + 1 : 1;
	u32 expected = 0;

	interrupts_off();
	if (!__atomic_compare_exchange_n(&owner, &expected, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE) &&
	    expected != me)
		nmi_stop_here();
	switch (depth++) {
	case 0:
		nmi_stop_others();
		log_enter_panic();
		break;
	case 1:
		log_raw("nestor: PANIC: again, inside the dump");
		platform_end(EXIT_CODE_PANIC);
	default:
		halt_forever();
	}
}

static void print_frame(u32 number, u64 rip)
{
	const char *name;
	u64 offset;

	if (symbol_find(rip, &name, &offset))
		log_line("panic", "  #%u %s+0x%llx (image+0x%llx)", number, name, (ull)offset,
			 (ull)(rip - (uintptr_t)ImageBase));
	else
		log_line("panic", "  #%u 0x%llx", number, (ull)rip);
}

/* A frame is two words, saved RBP and return address, inside one of this CPU's stacks. */
static bool is_frame(u64 rbp)
{
	struct stack_place place;

	return IS_ALIGNED(rbp, 8) && stack_find(rbp, &place) && !place.in_guard &&
	       place.cpu == this_cpu()->index && rbp + 16 <= stack_top(place.cpu, place.kind);
}

/* Each frame lies above the one before, so a loop ends. */
static void print_trace(u64 rip, u64 rbp)
{
	log_line("panic", "stack:");
	print_frame(0, rip);
	for (u32 i = 1; i < TRACE_DEPTH && cpu_or_null() != NULL && is_frame(rbp); i++) {
		const u64 *frame = (const u64 *)(uintptr_t)rbp;

		print_frame(i, frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void print_control_registers(void)
{
	log_line("panic", "cr0=%016llx cr2=%016llx cr3=%016llx cr4=%016llx", (ull)read_cr0(),
		 (ull)read_cr2(), (ull)read_cr3(), (ull)read_cr4());
}

static void print_registers(const struct trap_frame *f)
{
	log_line("panic", "rax=%016llx rbx=%016llx rcx=%016llx rdx=%016llx", (ull)f->rax,
		 (ull)f->rbx, (ull)f->rcx, (ull)f->rdx);
	log_line("panic", "rsi=%016llx rdi=%016llx rbp=%016llx rsp=%016llx", (ull)f->rsi,
		 (ull)f->rdi, (ull)f->rbp, (ull)f->rsp);
	log_line("panic", " r8=%016llx  r9=%016llx r10=%016llx r11=%016llx", (ull)f->r8, (ull)f->r9,
		 (ull)f->r10, (ull)f->r11);
	log_line("panic", "r12=%016llx r13=%016llx r14=%016llx r15=%016llx", (ull)f->r12,
		 (ull)f->r13, (ull)f->r14, (ull)f->r15);
	log_line("panic", "rip=%016llx rflags=%08llx cs=%04llx ss=%04llx", (ull)f->rip,
		 (ull)f->rflags, (ull)f->cs, (ull)f->ss);
}

_Noreturn static void finish(u64 rip, u64 rbp)
{
	print_control_registers();
	print_trace(rip, rbp);
	if (cpu_or_null() != NULL)
		recorder_dump(this_cpu(), EXITS_SHOWN);
	platform_end(EXIT_CODE_PANIC);
}

_Noreturn void panic(const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	enter_panic();
	va_start(ap, fmt);
	format_text_va(message, sizeof(message), fmt, ap);
	va_end(ap);
	log_raw("nestor: PANIC: %s", message);
	finish((uintptr_t)__builtin_return_address(0), *(const u64 *)__builtin_frame_address(0));
}

_Noreturn void panic_trap(const struct trap_frame *frame, const char *what)
{
	struct stack_place place;

	enter_panic();
	log_raw("nestor: PANIC: %s at 0x%llx, error code 0x%llx", what, (ull)frame->rip,
		(ull)frame->error);
	if (stack_find(read_cr2(), &place) && place.in_guard)
		log_line("panic", "CPU %u ran over the end of its %s stack", place.cpu, place.name);
	print_registers(frame);
	finish(frame->rip, frame->rbp);
}
