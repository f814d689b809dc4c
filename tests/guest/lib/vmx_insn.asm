; SPDX-License-Identifier: MIT
; Each VMX instruction by itself, in several forms, and what runs them. All pieces stand on the page that ring 3 may be
; shown (trap_of_user), so that ring 0, ring 3 and an L2 can run the same ones; each begins with its instruction.

KERNEL_CS	equ 0x08		; descriptors.h
KERNEL_DS	equ 0x10
CODE32		equ 0x30
ARITHMETIC	equ 0x8d5		; CF, PF, AF, ZF, SF, OF; asserted in vmx_insn.c
HOST_RSP	equ 0x6c14		; asserted in vmx.c
HOST_RIP	equ 0x6c16

global vmx_insn_code, vmx_insn_run, vmx_insn_run_compat, vmx_insn_enter, vmx_call_for_ever

; Pointer, first register (type or encoding), second register (value). In the order of enum vmx_insn.
%macro PIECES 4
%1_vmxon:	vmxon [%2]
	ret
%1_vmxoff:	vmxoff
	ret
%1_vmclear:	vmclear [%2]
	ret
%1_vmptrld:	vmptrld [%2]
	ret
%1_vmptrst:	vmptrst [%2]
	ret
%1_vmread:	vmread %4, %3
	ret
%1_vmread_mem:	vmread [%2], %3
	ret
%1_vmwrite:	vmwrite %3, %4
	ret
%1_vmwrite_mem:	vmwrite %3, [%2]
	ret
%1_vmlaunch:	vmlaunch
	ret
%1_vmresume:	vmresume
	ret
%1_invept:	invept %3, [%2]
	ret
%1_invvpid:	invvpid %3, [%2]
	ret
%1_vmcall:	vmcall
	ret
%endmacro

%macro TABLE 1
	dq %1_vmxon, %1_vmxoff, %1_vmclear, %1_vmptrld, %1_vmptrst, %1_vmread, %1_vmread_mem
	dq %1_vmwrite, %1_vmwrite_mem, %1_vmlaunch, %1_vmresume, %1_invept, %1_invvpid, %1_vmcall
%endmacro

section .user progbits alloc exec nowrite align=4096
bits 64
PIECES insn64, rdi, rsi, rdx
PIECES insn_ss, rbp, rsi, rdx		; RBP means SS
bits 32
PIECES insn32, edi, esi, edx

; The same bytes in every mode; changes no register.
vmx_call_for_ever:
	vmcall
	jmp short vmx_call_for_ever

%include "tests/guest/lib/callee_saved.inc"

section .text
bits 64

%macro SET_ARITHMETIC 0
	pushfq
	or qword [rsp], ARITHMETIC
	popfq
%endmacro

; u64 vmx_insn_run(code, pointer, register, u64 *value): RFLAGS afterwards; the arithmetic flags were all set before.
vmx_insn_run:
	push rbp
	push rcx
	mov rax, rdi
	mov rdi, rsi
	mov rbp, rsi
	mov rsi, rdx
	mov rdx, [rcx]
	SET_ARITHMETIC
	call rax
	pushfq
	pop rax
	pop rcx
	mov [rcx], rdx
	pop rbp
	ret

; void vmx_insn_run_compat(code, pointer, register): in 32-bit compatibility mode.
vmx_insn_run_compat:
	push rbx
	mov eax, KERNEL_DS		; a trip to ring 3 left them null
	mov ds, eax
	mov es, eax
	mov eax, edi
	mov edi, esi
	mov esi, edx
	SET_ARITHMETIC
	push CODE32
	push qword .compatibility
	retfq
bits 32
.compatibility:
	call eax
	jmp KERNEL_CS:.long
bits 64
.long:
	pop rbx
	ret

; u64 vmx_insn_enter(enum vmx_entry): RFLAGS afterwards, with the fixed bit alone if L2 ran and exited.
vmx_insn_enter:
	push_callee_saved
	mov eax, HOST_RSP
	vmwrite rax, rsp
	mov eax, HOST_RIP
	mov ecx, .landing
	vmwrite rax, rcx
	mov ecx, ss
	mov eax, edi
	jmp [ways + rax * 8]
.launch:
	SET_ARITHMETIC
	vmlaunch
	jmp .landing
.resume:
	SET_ARITHMETIC
	vmresume
	jmp .landing
.launch_after:
	SET_ARITHMETIC
	mov ss, ecx
	vmlaunch
	jmp .landing
.resume_after:
	SET_ARITHMETIC
	mov ss, ecx
	vmresume
.landing:
	pushfq
	pop rax
	pop_callee_saved
	ret

section .rodata
align 8
ways:
	dq vmx_insn_enter.launch, vmx_insn_enter.resume, vmx_insn_enter.launch_after, vmx_insn_enter.resume_after
vmx_insn_code:
	TABLE insn64
	TABLE insn_ss
	TABLE insn32

section .note.GNU-stack noalloc noexec nowrite progbits
