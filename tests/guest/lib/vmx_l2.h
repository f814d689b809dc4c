/* SPDX-License-Identifier: MIT */
/*
 * Tests in VMX operation. VMX_TEST() is a MACHINE_TEST() between VMXON and VMXOFF; its L2s and
 * pages go with it. What an L2 runs is assembled in place, then calls for ever:
 *
 *     L2_CODE(cpuid_insn, "cpuid");
 *
 *     VMX_TEST(vmx_exit, cpuid_exits, 0)
 *     {
 *             // Expect: ...
 *             struct l2 *l2 = l2_new(cpuid_insn);
 *
 *             EXPECT_EQ(l2_enter(l2), EXIT_CPUID);
 *             EXPECT_INSN(cpuid_insn);
 *     }
 */
#ifndef TESTS_GUEST_LIB_VMX_L2_H
#define TESTS_GUEST_LIB_VMX_L2_H

#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/vmx.h"
#include "vmx/event.h"

/* Registers by the numbers that instructions give them. */
enum l2_register { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Short ones lie in one page, wherever the linker puts them. */
#define L2_CODE_BITS(name, bits, text)                                                         \
	extern const char name[], name##_end[];                                                \
	__asm__(".pushsection .text\n.balign 16\n.code" #bits "\n" #name ":\n" text "\n" #name \
		"_end:\n99: vmcall\njmp 99b\n.code64\n.popsection")
#define L2_CODE(name, text) L2_CODE_BITS(name, 64, text)

void vmx_test(void (*body)(void));

#define VMX_TEST(suite_, name_, needs_)           \
	static void vmx_##suite_##_##name_(void); \
	MACHINE_TEST(suite_, name_, needs_)       \
	{                                         \
		vmx_test(vmx_##suite_##_##name_); \
	}                                         \
	static void vmx_##suite_##_##name_(void)

/* A zeroed page until the test ends. */
u64 vmx_page(void);
/* One that begins with this word. */
u64 vmx_page_with(u64 value);
/*
 * An L2 until the test ends; its VMCS is current. It has the state of l2_create(), no optional
 * control but the MSR bitmap, and each exception exits.
 */
struct l2 *l2_new(const void *code);

/* May all these controls be 1? And 0? */
bool control_is_offered(enum control_set set, u32 mask);
bool control_is_optional(enum control_set set, u32 mask);
/* In the current VMCS; secondary controls are activated with the first. */
void control_on(enum control_set set, u32 mask);
void control_off(enum control_set set, u32 mask);

#define NEEDS_CONTROL(set, mask)                            \
	do {                                                \
		if (!control_is_offered(set, mask))         \
			SKIP("the control is not offered"); \
	} while (0)
#define NEEDS_CONTROL_OFF(set, mask)                      \
	do {                                              \
		if (!control_is_optional(set, mask))      \
			SKIP("the control is always on"); \
	} while (0)

/* Enter the current L2 at this code; what l2_enter() returns. */
u32 l2_enter_at(struct l2 *l2, const void *code);
/* Past the instruction that exited. */
void l2_skip(void);

/* The exit was by the first instruction of a piece of code, and this is its length. */
#define EXPECT_INSN(code)                                                     \
	do {                                                                  \
		EXPECT_EQ(vmx_read(VMCS_GUEST_RIP), (u64)(code));             \
		EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_LEN), code##_end - (code)); \
	} while (0)
#define EXPECT_FIELD(field, value)   EXPECT_EQ(vmx_read(VMCS_##field), value)

/* The exit was by an exception of this kind. */
#define EXCEPTION_INFO(type, vector) (INTR_INFO_VALID | (u32)(type) << 8 | (vector))
#define FAULT_INFO(vector)           EXCEPTION_INFO(INTR_HARDWARE_EXCEPTION, vector)

#endif
