; SPDX-License-Identifier: MIT
; Bare mode's way out of long mode. The image finds the state of the Multiboot Specification, "Machine state": 32-bit
; protected mode with flat segments, no paging, interrupts off, EAX = magic, EBX = information block.

%define CODE32 0x08
%define DATA32 0x10

%include "asm_offsets.inc"

section .data
align 8
gdt:
	dq 0
	dq 0x00cf9b000000ffff	; CODE32: flat, read and execute
	dq 0x00cf93000000ffff	; DATA32: flat, read and write
gdt_end:

gdt_pointer:
	dw gdt_end - gdt - 1
	dq gdt

section .text

; void bare_switch(u64 cr3, void *stack_end, void (*function)(arg), arg)
global bare_switch:function hidden
bits 64
bare_switch:
	cli
	mov	cr3, rdi
	mov	rsp, rsi
	xor	ebp, ebp
	mov	rdi, rcx
	call	rdx
	ud2

; void bare_enter(u32 entry, u32 info)
global bare_enter:function hidden
bare_enter:
	mov	ebx, esi
	lgdt	[rel gdt_pointer]
	push	CODE32
	lea	rax, [rel .compatibility]
	push	rax
	retfq

bits 32
.compatibility:
	mov	eax, DATA32
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	fs, eax
	mov	gs, eax
	mov	eax, CR0_PG | CR0_PE_ET
	mov	cr0, eax
	mov	eax, CR0_PE_ET		; paging off leaves long mode
	mov	cr0, eax
	mov	ecx, MSR_IA32_EFER
	xor	eax, eax
	xor	edx, edx
	wrmsr
	mov	cr4, eax
	push	dword 2
	popfd
	mov	eax, MULTIBOOT_LOADER_MAGIC
	jmp	edi
