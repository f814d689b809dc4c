; SPDX-License-Identifier: MIT
; One entry of the current VMCS whose exit lands where nothing has happened yet: what the exit loaded is noted first.

HOST_RSP	equ 0x6c14		; vmx/vmcs_fields.def
HOST_RIP	equ 0x6c16
KERNEL_DS	equ 0x10		; descriptors.h

; struct observed of vmx_observe.h
RFLAGS		equ 0
STACK		equ 8
DEBUG7		equ 16
GDTR		equ 24			; 2 + 8 bytes, as IDTR
IDTR		equ 40
SELECTORS	equ 56			; 16 bits each: CS SS DS ES FS GS LDTR TR
WANTED_STACK	equ 72

extern descriptor_gdt_pointer, descriptor_idt_pointer
global vmx_observe

%include "tests/guest/lib/callee_saved.inc"

section .text
bits 64

; bool vmx_observe(struct observed *): false where the VM entry ended in VMfail.
vmx_observe:
	push_callee_saved
	push rdi
	mov [rdi + WANTED_STACK], rsp
	mov eax, HOST_RSP
	vmwrite rax, rsp
	mov eax, HOST_RIP
	mov ecx, .landing
	vmwrite rax, rcx
	vmlaunch
	xor eax, eax
	pop rdi
	jmp .return
.landing:
	mov [rel landed], rsp
	pushfq
	pop rax
	mov rsp, [rel landed]
	mov rdi, [rsp]
	mov [rdi + RFLAGS], rax
	mov [rdi + STACK], rsp
	mov rax, dr7
	mov [rdi + DEBUG7], rax
	sgdt [rdi + GDTR]
	sidt [rdi + IDTR]
	mov [rdi + SELECTORS], cs
	mov [rdi + SELECTORS + 2], ss
	mov [rdi + SELECTORS + 4], ds
	mov [rdi + SELECTORS + 6], es
	mov [rdi + SELECTORS + 8], fs
	mov [rdi + SELECTORS + 10], gs
	sldt [rdi + SELECTORS + 12]
	str [rdi + SELECTORS + 14]
	lgdt [descriptor_gdt_pointer]
	lidt [descriptor_idt_pointer]
	mov eax, KERNEL_DS
	mov ss, eax
	pop rdi
	mov eax, 1
.return:
	pop_callee_saved
	ret

section .bss nobits write align=8
landed:		resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
