; SPDX-License-Identifier: MIT
; Ways to name operands of VMX instructions: VMPTRST to one place by each addressing form, and VMREAD with each register.

global vmx_operand_forms, vmx_operand_form_count
global vmx_read_to, vmx_read_by

section .text
bits 64

; void form(void *place, u64 index): VMPTRST to place. RSI is 3. FS and GS bases are the place - 16.
%macro FORM 0
%assign forms forms + 1
form_%+forms:
%endmacro
%assign forms 0

FORM
	vmptrst [rdi]
	ret
FORM
	lea rax, [rdi - 0x7f]
	vmptrst [rax + 0x7f]
	ret
FORM
	lea rax, [rdi + 0x80]
	vmptrst [rax - 0x80]
	ret
FORM
	lea rax, [rdi - 0x12345]
	vmptrst [rax + 0x12345]
	ret
FORM
	lea rax, [rdi - 3]
	vmptrst [rax + rsi]
	ret
FORM
	lea rax, [rdi - 6]
	vmptrst [rax + rsi * 2]
	ret
FORM
	lea rax, [rdi - 12 - 5]
	vmptrst [rax + rsi * 4 + 5]
	ret
FORM
	lea rax, [rdi - 24 + 0x1000]
	vmptrst [rax + rsi * 8 - 0x1000]
	ret
FORM
	mov rcx, -2
	lea rax, [rdi + 16]
	vmptrst [rax + rcx * 8]
	ret
FORM
	mov rax, rdi
	shr rax, 3
	vmptrst [rax * 8 + 0]
	ret
FORM
	push r8
	mov r8, rdi
	vmptrst [r8]
	pop r8
	ret
FORM
	push r12
	mov r12, rdi
	vmptrst [r12]
	pop r12
	ret
FORM
	push r13
	mov r13, rdi
	vmptrst [r13]
	pop r13
	ret
FORM
	push r15
	push r14
	lea r15, [rdi - 3]
	mov r14, rsi
	vmptrst [r15 + r14]
	pop r14
	pop r15
	ret
FORM
	push rbp
	mov rbp, rdi
	vmptrst [rbp]
	pop rbp
	ret
FORM
	push rax
	vmptrst [rsp]
	pop rax
	mov [rdi], rax
	ret
FORM
	push rax
	push rax
	vmptrst [rsp + 8]
	pop rax
	pop rax
	mov [rdi], rax
	ret
FORM
	vmptrst [rel place]
	mov rax, [rel place]
	mov [rdi], rax
	ret
FORM
	vmptrst [abs place]
	mov rax, [rel place]
	mov [rdi], rax
	ret
FORM
	mov rax, 0xffffffff00000000
	or rax, rdi
	vmptrst [eax]
	ret
FORM
	mov rax, 0xffffffff00000000
	or rax, rdi
	sub eax, 3
	vmptrst [eax + esi]
	ret
FORM
	vmptrst [fs:16]
	ret
FORM
	mov eax, 8
	vmptrst [fs:rax + 8]
	ret
FORM
	mov ecx, 2
	vmptrst [gs:rcx * 8]
	ret
FORM
	db 0x26			; ES, which counts for nothing
	vmptrst [rdi]
	ret
FORM
	db 0x2e
	vmptrst [rdi]
	ret

; u64 read_to(u64 encoding): VMREAD into each register; u64 read_by(u64 encoding): with the encoding in it.
%macro READ_TO 1
read_to_%1:
	push %1
	vmread %1, rdi
	mov rax, %1
	pop %1
	ret
%endmacro
%macro READ_BY 1
read_by_%1:
	push %1
	mov %1, rdi
	vmread rax, %1
	pop %1
	ret
%endmacro
%macro EACH_REGISTER 1
	%1 rcx
	%1 rdx
	%1 rbx
	%1 rbp
	%1 rsi
	%1 r8
	%1 r9
	%1 r10
	%1 r11
	%1 r12
	%1 r13
	%1 r14
	%1 r15
%endmacro
EACH_REGISTER READ_TO
EACH_REGISTER READ_BY

read_to_rax:
	vmread rax, rdi
	ret
read_to_rsp:
	mov rcx, rsp
	vmread rsp, rdi
	mov rax, rsp
	mov rsp, rcx
	ret
read_to_rdi:
	vmread rdi, rdi
	mov rax, rdi
	ret
read_by_rax:
	mov rax, rdi
	vmread rax, rax
	ret
read_by_rsp:
	mov rcx, rsp
	mov rsp, rdi
	vmread rax, rsp
	mov rsp, rcx
	ret
read_by_rdi:
	vmread rax, rdi
	ret

section .rodata
align 8
%macro TABLE 1
	dq %1_rax, %1_rcx, %1_rdx, %1_rbx, %1_rsp, %1_rbp, %1_rsi, %1_rdi
	dq %1_r8, %1_r9, %1_r10, %1_r11, %1_r12, %1_r13, %1_r14, %1_r15
%endmacro
vmx_read_to:
	TABLE read_to
vmx_read_by:
	TABLE read_by
vmx_operand_forms:
%assign number 1
%rep forms
	dq form_%+number
%assign number number + 1
%endrep
vmx_operand_form_count:
	dd forms

section .data
align 8
place:	dq 0

section .note.GNU-stack noalloc noexec nowrite progbits
