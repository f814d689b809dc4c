; SPDX-License-Identifier: MIT
; Bare mode's way into the image: the registers of a struct start_state, in 32-bit protected mode without paging or in 64-bit
; mode on page tables and a GDT of the image's own memory.

%include "asm_offsets.inc"

section .data
align 8
gdt:
	dq 0
	dq 0x00cf9b000000ffff	; START_PROTECTED_CODE: flat, read and execute
	dq 0x00cf93000000ffff	; START_PROTECTED_DATA: flat, read and write
gdt_end:

gdt_pointer:
	dw gdt_end - gdt - 1
	dq gdt

section .text

%macro load_data_segments 1
	mov	eax, %1
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	fs, eax
	mov	gs, eax
%endmacro

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

; void bare_enter(const struct start_state *start)
global bare_enter:function hidden
bare_enter:
	cmp	dword [rdi + START_MODE], START_LONG
	je	.long
	lgdt	[rel gdt_pointer]
	push	START_PROTECTED_CODE
	lea	rax, [rel .compatibility]
	push	rax
	retfq

.long:
	push	qword [rdi + START_GDT_BASE]
	sub	rsp, 2
	mov	ax, [rdi + START_GDT_LIMIT]
	mov	[rsp], ax
	lgdt	[rsp]
	add	rsp, 10
	push	START_LONG_CODE
	lea	rax, [rel .own_code]
	push	rax
	retfq
.own_code:
	load_data_segments START_LONG_DATA
	mov	eax, CR0_PG | CR0_PE_ET
	mov	cr0, rax
	mov	eax, CR4_PAE
	mov	cr4, rax
	mov	rax, [rdi + START_CR3]
	mov	cr3, rax
	push	2
	popfq
	mov	rsi, [rdi + START_RSI]
	mov	rbx, [rdi + START_RBX]
	mov	rax, [rdi + START_RAX]
	jmp	[rdi + START_RIP]

bits 32
.compatibility:
	load_data_segments START_PROTECTED_DATA
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
	mov	esi, [edi + START_RSI]
	mov	ebx, [edi + START_RBX]
	mov	eax, [edi + START_RAX]
	jmp	[edi + START_RIP]
