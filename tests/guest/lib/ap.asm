; SPDX-License-Identifier: MIT
; From a SIPI (16-bit mode, at any page below 1 MiB that the trampoline was copied to) to smp_ap_main() on a stack of the CPU's own.
; One CPU at a time passes ap_lock; the one that holds it may use ap_stack.

KERNEL_CS	equ 0x08		; descriptors.h
KERNEL_DS	equ 0x10
AP_CS32		equ 0x08		; ap_gdt
AP_DS32		equ 0x10
STACK_SIZE	equ 4096

extern descriptor_gdt_pointer, boot_pml4, smp_ap_enter, smp_ap_main
global ap_trampoline, ap_trampoline_end, ap_lock, ap_efer

section .text
bits 16
align 16
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4			; where this page is
	o32 lgdt [ap_gdt_pointer - ap_trampoline]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword AP_CS32:ap_protected
align 8
ap_gdt:	dq 0
	dq 0x00cf9b000000ffff
	dq 0x00cf93000000ffff
ap_gdt_pointer:
	dw ap_gdt_pointer - ap_gdt - 1
	dd ap_gdt
ap_trampoline_end:

bits 32
ap_protected:
	mov eax, AP_DS32
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov eax, 1 << 5			; CR4.PAE, all else off
	mov cr4, eax
	mov eax, boot_pml4
	mov cr3, eax
	mov ecx, 0xc0000080		; EFER: LME, and NXE as the first CPU has it
	mov eax, [ap_efer]
	xor edx, edx
	wrmsr
	mov eax, 0x80010033		; PG, WP, NE, ET, MP, PE
	mov cr0, eax
	lgdt [descriptor_gdt_pointer]
	jmp KERNEL_CS:ap_long

bits 64
ap_long:
	mov eax, KERNEL_DS
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
.wait:	lock bts dword [ap_lock], 0
	jnc .own
	pause
	jmp .wait
.own:	mov rsp, ap_stack + STACK_SIZE
	mov edi, ebx
	xor ebp, ebp
	call smp_ap_enter		; returns this CPU's stack
	mov rsp, rax
	mov dword [ap_lock], 0
	call smp_ap_main
.stop:	cli
	hlt
	jmp .stop

section .bss nobits write align=16
ap_stack:	resb STACK_SIZE
ap_lock:	resd 1
ap_efer:	resd 1

section .note.GNU-stack noalloc noexec nowrite progbits
