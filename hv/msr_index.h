/* SPDX-License-Identifier: MIT */
/* Numbers of model-specific registers (SDM volume 4); bits of CR0, CR4, XCR0, EFER and RFLAGS. */
#ifndef HV_MSR_INDEX_H
#define HV_MSR_INDEX_H

#include "hv/types.h"

#define MSR_IA32_TSC                0x10u
#define MSR_IA32_APIC_BASE          0x1bu
#define MSR_IA32_FEATURE_CONTROL    0x3au
#define MSR_IA32_TSC_ADJUST         0x3bu
#define MSR_IA32_SPEC_CTRL          0x48u
#define MSR_IA32_PRED_CMD           0x49u
#define MSR_IA32_BIOS_UPDT_TRIG     0x79u
#define MSR_IA32_BIOS_SIGN_ID       0x8bu
#define MSR_IA32_SMM_MONITOR_CTL    0x9bu
#define MSR_IA32_SMBASE             0x9eu
#define MSR_IA32_MTRRCAP            0xfeu
#define MSR_IA32_ARCH_CAPABILITIES  0x10au
#define MSR_IA32_SYSENTER_CS        0x174u
#define MSR_IA32_SYSENTER_ESP       0x175u
#define MSR_IA32_SYSENTER_EIP       0x176u
#define MSR_IA32_MCG_CAP            0x179u
#define MSR_IA32_MCG_STATUS         0x17au
#define MSR_IA32_PERF_STATUS        0x198u
#define MSR_IA32_MISC_ENABLE        0x1a0u
#define MSR_IA32_DEBUGCTL           0x1d9u
#define MSR_IA32_MTRR_PHYSBASE0     0x200u
#define MSR_IA32_MTRR_FIX64K_00000  0x250u
#define MSR_IA32_MTRR_FIX16K_80000  0x258u
#define MSR_IA32_MTRR_FIX16K_A0000  0x259u
#define MSR_IA32_MTRR_FIX4K_C0000   0x268u
#define MSR_IA32_PAT                0x277u
#define MSR_IA32_MTRR_DEF_TYPE      0x2ffu
#define MSR_IA32_VMX_BASIC          0x480u
#define MSR_IA32_VMX_PINBASED       0x481u
#define MSR_IA32_VMX_PROCBASED      0x482u
#define MSR_IA32_VMX_EXIT           0x483u
#define MSR_IA32_VMX_ENTRY          0x484u
#define MSR_IA32_VMX_MISC           0x485u
#define MSR_IA32_VMX_CR0_FIXED0     0x486u
#define MSR_IA32_VMX_CR0_FIXED1     0x487u
#define MSR_IA32_VMX_CR4_FIXED0     0x488u
#define MSR_IA32_VMX_CR4_FIXED1     0x489u
#define MSR_IA32_VMX_VMCS_ENUM      0x48au
#define MSR_IA32_VMX_PROCBASED2     0x48bu
#define MSR_IA32_VMX_EPT_VPID_CAP   0x48cu
#define MSR_IA32_VMX_TRUE_PINBASED  0x48du
#define MSR_IA32_VMX_TRUE_PROCBASED 0x48eu
#define MSR_IA32_VMX_TRUE_EXIT      0x48fu
#define MSR_IA32_VMX_TRUE_ENTRY     0x490u
#define MSR_IA32_VMX_VMFUNC         0x491u
#define MSR_IA32_TSC_DEADLINE       0x6e0u
#define MSR_X2APIC_FIRST            0x800u
#define MSR_X2APIC_ID               0x802u
#define MSR_X2APIC_SPURIOUS         0x80fu
#define MSR_X2APIC_ICR              0x830u
#define MSR_X2APIC_LAST             0x8ffu
#define MSR_IA32_XSS                0xda0u
#define MSR_IA32_EFER               0xc0000080u
#define MSR_IA32_STAR               0xc0000081u
#define MSR_IA32_LSTAR              0xc0000082u
#define MSR_IA32_CSTAR              0xc0000083u
#define MSR_IA32_FMASK              0xc0000084u
#define MSR_IA32_FS_BASE            0xc0000100u
#define MSR_IA32_GS_BASE            0xc0000101u
#define MSR_IA32_KERNEL_GS_BASE     0xc0000102u
#define MSR_IA32_TSC_AUX            0xc0000103u

#define DEBUGCTL_LBR                (1u << 0)
#define DEBUGCTL_BTF                (1u << 1)
#define FEATURE_CONTROL_LOCKED      (1u << 0)
#define FEATURE_CONTROL_VMXON       (1u << 2) /* outside SMX operation */
#define APIC_BASE_BSP               (1u << 8)
#define APIC_BASE_X2APIC            (1u << 10)
#define APIC_BASE_ENABLED           (1u << 11)

#define DEBUGCTL_BTF                (1u << 1) /* single-step on branches */

#define CR0_PE                      (1u << 0)
#define CR0_MP                      (1u << 1)
#define CR0_EM                      (1u << 2)
#define CR0_TS                      (1u << 3)
#define CR0_ET                      (1u << 4)
#define CR0_NE                      (1u << 5)
#define CR0_WP                      (1u << 16)
#define CR0_AM                      (1u << 18)
#define CR0_NW                      (1u << 29)
#define CR0_CD                      (1u << 30)
#define CR0_PG                      (1u << 31)

#define CR4_VME                     (1u << 0)
#define CR4_PVI                     (1u << 1)
#define CR4_TSD                     (1u << 2)
#define CR4_DE                      (1u << 3)
#define CR4_PSE                     (1u << 4)
#define CR4_PAE                     (1u << 5)
#define CR4_MCE                     (1u << 6)
#define CR4_PGE                     (1u << 7)
#define CR4_PCE                     (1u << 8)
#define CR4_OSFXSR                  (1u << 9)
#define CR4_OSXMMEXCPT              (1u << 10)
#define CR4_UMIP                    (1u << 11)
#define CR4_LA57                    (1u << 12)
#define CR4_VMXE                    (1u << 13)
#define CR4_FSGSBASE                (1u << 16)
#define CR4_PCIDE                   (1u << 17)
#define CR4_OSXSAVE                 (1u << 18)
#define CR4_SMEP                    (1u << 20)
#define CR4_SMAP                    (1u << 21)
#define CR4_PKE                     (1u << 22)
#define CR4_CET                     (1u << 23)
#define CR4_PKS                     (1u << 24)

#define XCR0_X87                    BIT(0)
#define XCR0_SSE                    BIT(1)
#define XCR0_AVX                    BIT(2)
#define XCR0_MPX                    BITS(4, 3)
#define XCR0_AVX512                 BITS(7, 5)
#define XCR0_PKRU                   BIT(9)

#define EFER_SCE                    (1u << 0)
#define EFER_LME                    (1u << 8)
#define EFER_LMA                    (1u << 10)
#define EFER_NXE                    (1u << 11)

/* After a reset; a VM exit leaves DR7 so, too. */
#define DR6_AT_RESET                0xffff0ff0ULL
#define DR7_AT_RESET                0x400ULL

#define RFLAGS_CF                   (1u << 0)
#define RFLAGS_FIXED                (1u << 1)
#define RFLAGS_PF                   (1u << 2)
#define RFLAGS_AF                   (1u << 4)
#define RFLAGS_ZF                   (1u << 6)
#define RFLAGS_SF                   (1u << 7)
#define RFLAGS_TF                   (1u << 8)
#define RFLAGS_IF                   (1u << 9)
#define RFLAGS_DF                   (1u << 10)
#define RFLAGS_OF                   (1u << 11)
/* What arithmetic instructions set, and VMX instructions (SDM "Conventions" of their reference). */
#define RFLAGS_ARITHMETIC           0x8d5u /* CF, PF, AF, ZF, SF, OF */
#define RFLAGS_RF                   (1u << 16)
#define RFLAGS_VM                   (1u << 17)
#define RFLAGS_AC                   (1u << 18)

#endif
