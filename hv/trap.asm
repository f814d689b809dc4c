; SPDX-License-Identifier: MIT
; Entry of all 256 vectors. Each stub makes the stack the same (error code, vector); the rest saves what struct trap_frame
; names and calls trap_handle. Segments and GS base are L0's already: L0 runs in ring 0 only.
bits 64
default rel

extern trap_handle

section .text

; Vectors that push an error code themselves (SDM "Exception and Interrupt Reference").
%define HAS_ERROR_CODE(v) ((v) = 8 || ((v) >= 10 && (v) <= 14) || (v) = 17 || (v) = 21 || (v) = 29 || (v) = 30)

%define STUB_SIZE 16

align STUB_SIZE
global trap_stubs:data hidden
trap_stubs:
%assign vector 0
%rep 256
	align STUB_SIZE
%if !HAS_ERROR_CODE(vector)
	push 0
%endif
	push vector
	jmp near trap_common
%assign vector vector + 1
%endrep

trap_common:
	push rax
	push rbx
	push rcx
	push rdx
	push rsi
	push rdi
	push rbp
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	cld			; memmove may have been under way
	mov rdi, rsp
	call trap_handle	; 22 words lie above the alignment that the CPU made: the stack is aligned
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rbp
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rbx
	pop rax
	add rsp, 16		; vector, error code
	iretq
