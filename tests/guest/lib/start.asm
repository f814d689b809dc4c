; SPDX-License-Identifier: MIT
; From a loader to guest_start() in 64-bit mode: .bss zeroed, the first 4 GiB mapped one to one with 2 MiB pages, a stack. A
; multiboot-1 or PVH loader comes in 32-bit mode with paging off, one of Linux in 64-bit mode. Nothing is trusted but what
; their protocols promise; which one it was, and its information block, are handed on unchecked.

MULTIBOOT_MAGIC equ 0x1badb002
MULTIBOOT_FLAGS equ 0x00000003		; page-aligned modules, memory information
PVH_MAGIC	equ 0x336ec578		; hv/pvh_format.h
PVH_ENTRY_NOTE	equ 18
LINUX_MAGIC	equ 0x53726448		; hv/linux_format.h
KERNEL_CS	equ 0x08		; descriptors.h
KERNEL_DS	equ 0x10
CR0_START	equ 0x80010033		; PG, WP, NE, ET, MP, PE
PTE_TABLE	equ 0x07		; present, writable, user: the leaf decides
PTE_LARGE	equ 0x83		; present, writable, 2 MiB
STACK_SIZE	equ 32768

extern guest_bss_start, guest_bss_end, guest_start
extern descriptor_gdt_pointer

global guest_entry, boot_pml4, boot_pdpt, boot_pds

section .multiboot
align 4
	dd MULTIBOOT_MAGIC
	dd MULTIBOOT_FLAGS
	dd -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

section .note.pvh note alloc align=4
	dd 4, 4, PVH_ENTRY_NOTE
	db "Xen", 0
	dd pvh_entry

; .bss and page tables, in 32-bit and in 64-bit mode.
%macro prepare_memory 0
	mov edi, guest_bss_start
	mov ecx, guest_bss_end
	sub ecx, edi
	shr ecx, 2
	xor eax, eax
	rep stosd

	mov dword [boot_pml4], boot_pdpt + PTE_TABLE
	mov eax, boot_pds + PTE_TABLE
	xor ecx, ecx
%%pdpt:	mov [boot_pdpt + ecx * 8], eax
	add eax, 4096
	inc ecx
	cmp ecx, 4
	jb %%pdpt
	mov eax, PTE_LARGE
	xor ecx, ecx
%%pd:	mov [boot_pds + ecx * 8], eax
	add eax, 2 << 20
	inc ecx
	cmp ecx, 4 * 512
	jb %%pd
%endmacro

section .linux progbits alloc exec nowrite align=16
bits 64
linux_entry:
	cli
	cld
	mov ebp, esi			; zero page
	mov esi, LINUX_MAGIC
	prepare_memory
	mov eax, CR0_START
	mov cr0, rax
	mov eax, boot_pml4
	mov cr3, rax
	lgdt [descriptor_gdt_pointer]
	mov esp, boot_stack + STACK_SIZE
	push KERNEL_CS
	push long_mode
	retfq

section .text
bits 32
pvh_entry:
	mov eax, PVH_MAGIC
guest_entry:
	cli
	cld
	mov esi, eax			; magic
	mov ebp, ebx			; multiboot information, or PVH's start information
	prepare_memory
	mov eax, 1 << 5			; CR4.PAE, all else off
	mov cr4, eax
	mov eax, boot_pml4
	mov cr3, eax
	mov ecx, 0xc0000080		; EFER.LME
	rdmsr
	or eax, 1 << 8
	wrmsr
	mov eax, CR0_START
	mov cr0, eax
	lgdt [descriptor_gdt_pointer]
	jmp KERNEL_CS:long_mode

bits 64
long_mode:
	mov eax, KERNEL_DS
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax			; null FS and GS: a trip to ring 3 leaves them alone
	mov fs, eax
	mov gs, eax
	mov rsp, boot_stack + STACK_SIZE
	mov edi, esi
	mov esi, ebp
	xor ebp, ebp
	call guest_start
.stop:	cli
	hlt
	jmp .stop

section .bss nobits write align=4096
boot_pml4:	resb 4096
boot_pdpt:	resb 4096
boot_pds:	resb 4 * 4096
boot_stack:	resb STACK_SIZE

section .note.GNU-stack noalloc noexec nowrite progbits
