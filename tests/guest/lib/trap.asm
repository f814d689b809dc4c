; SPDX-License-Identifier: MIT
; Entry of all 256 vectors into trap_dispatch(frame), the two ends of a trap point, and the way into ring 3.
; Offsets here are checked against the C structs by assertions in trap.c.

USER_CS		equ 0x23		; descriptors.h
USER_DS		equ 0x1b
USER_INTERRUPT	equ 0x80
TSS_SELECTOR	equ 0x60
RFLAGS_FIXED	equ 0x02
RFLAGS_IOPL	equ 0x3000
CALL_PORT	equ 0x2020		; hv/abi.h
CALL_CAPABILITIES equ 6

extern trap_dispatch, trap_points
global trap_stubs, trap_arm, trap_enter_user

section .text
bits 64

%macro SAVE 1-*
%rep %0
	push %1
%rotate 1
%endrep
%endmacro

%macro RESTORE 1-*
%rep %0
%rotate -1
	pop %1
%endrep
%endmacro

%define REGISTERS rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

; Vectors that push an error code: #DF #TS #NP #SS #GP #PF #AC #CP.
%assign vector 0
%rep 256
stub_%+vector:
%if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
%else
	push 0
%endif
	push vector
	jmp trap_common
%assign vector vector + 1
%endrep

trap_common:
	SAVE REGISTERS
	cld
	mov rdi, rsp
	mov rbp, rsp			; keeps the frame while the stack is aligned
	and rsp, -16
	call trap_dispatch
	mov rsp, rbp
	RESTORE REGISTERS
	add rsp, 16			; vector and error code
	iretq

; int trap_arm(struct trap_point *): 0 now; 1 when a trap came back here.
trap_arm:
	mov [rdi + 0], rbx
	mov [rdi + 8], rbp
	mov [rdi + 16], r12
	mov [rdi + 24], r13
	mov [rdi + 32], r14
	mov [rdi + 40], r15
	lea rax, [rsp + 8]
	mov [rdi + 48], rax
	mov rax, [rsp]
	mov [rdi + 56], rax
	pushfq
	pop qword [rdi + 64]
	str ecx				; 16 bytes a TSS descriptor, 8 bytes a pointer
	sub ecx, TSS_SELECTOR
	shr ecx, 1
	mov rax, [trap_points + rcx]
	mov [rdi + 72], rax
	mov [trap_points + rcx], rdi
	xor eax, eax
	ret

; void trap_enter_user(const void *code): never returns by itself. IOPL is the caller's.
trap_enter_user:
	push USER_DS
	push 0
	pushfq
	and qword [rsp], RFLAGS_IOPL
	or qword [rsp], RFLAGS_FIXED
	push USER_CS
	push rdi
	iretq

; What ring 3 can be asked to do; each ends in INT 80h if its instruction did not trap.
%macro USER 2+
global user_%1
user_%1:
	%2
	int USER_INTERRUPT
%endmacro

section .user progbits alloc exec nowrite align=4096
USER nothing, nop
USER vmcall, vmcall
USER hlt, hlt
USER cpuid, cpuid
USER syscall, syscall
USER rdmsr, rdmsr
global user_call
user_call:
	mov eax, CALL_CAPABILITIES
	mov edx, CALL_PORT
	in eax, dx
	int USER_INTERRUPT
align 8
USER misaligned, mov eax, [rel user_misaligned + 1]

section .rodata
align 8
trap_stubs:
%assign vector 0
%rep 256
	dq stub_%+vector
%assign vector vector + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
