; SPDX-License-Identifier: MIT
; How an application processor gets from SIPI to ap_main. The trampoline is copied to a page below 1 MiB, where its
; parameters are filled in; running, it only reads that page, which L0's tables map read-execute.
default rel

extern ap_claim
extern ap_main

%define CODE32 0x08
%define DATA32 0x10
%define CODE64 0x18
%define MSR_EFER 0xc0000080
%define OFFSET(label) ((label) - ap_trampoline)

section .rodata

global ap_trampoline:data hidden, ap_trampoline_end:data hidden
align 16
ap_trampoline:
bits 16
	cli
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4		; the page's address, from here to 64-bit mode
	lgdt [OFFSET(gdt_register)]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword far [OFFSET(far32)]

bits 32
in_32_bits:
	mov ax, DATA32
	mov ds, ax
	mov ss, ax
	mov eax, [ebx + OFFSET(ap_param_cr4)]
	mov cr4, eax
	mov eax, [ebx + OFFSET(ap_param_cr3)]
	mov cr3, eax
	mov ecx, MSR_EFER
	mov eax, [ebx + OFFSET(ap_param_efer)]
	xor edx, edx
	wrmsr
	mov eax, [ebx + OFFSET(ap_param_cr0)]
	mov cr0, eax		; protection, paging and with it long mode, caches on
	jmp far [ebx + OFFSET(far64)]

bits 64
in_64_bits:
	mov ebx, ebx
	jmp [rbx + OFFSET(ap_param_start)]

align 8
; Accessed bits are set: the CPU does not write here.
gdt:
	dq 0
	dq 0x00cf9b000000ffff
	dq 0x00cf93000000ffff
	dq 0x00af9b000000ffff
gdt_register:
	dw $ - gdt - 1
gdt_base:
	dd OFFSET(gdt)
align 4
far32:
	dd OFFSET(in_32_bits)
	dw CODE32
align 4
far64:
	dd OFFSET(in_64_bits)
	dw CODE64

align 8
global ap_param_start:data hidden, ap_param_cr0:data hidden, ap_param_cr3:data hidden
global ap_param_cr4:data hidden, ap_param_efer:data hidden
ap_param_start:	dq 0
ap_param_cr0:	dd 0
ap_param_cr3:	dd 0
ap_param_cr4:	dd 0
ap_param_efer:	dd 0
ap_trampoline_end:

; Offsets in the trampoline of the 32-bit words to which its address is added.
global ap_relocations:data hidden, ap_relocations_end:data hidden
align 4
ap_relocations:
	dd OFFSET(gdt_base), OFFSET(far32), OFFSET(far64)
ap_relocations_end:

section .text

; 64-bit mode, L0's page tables. One CPU at a time has the small stack on which it learns who it is.
global ap_start:function hidden
ap_start:
	mov eax, 1
	xchg [ap_stack_lock], eax
	test eax, eax
	jz .mine
	pause
	jmp ap_start
.mine:
	lea rsp, [ap_stack_end]
	xor ebp, ebp
	call ap_claim		; rax = struct cpu or NULL, rdx = top of its main stack
	mov rsp, rdx
	mov dword [ap_stack_lock], 0
	test rax, rax
	jz .not_wanted
	mov rdi, rax
	call ap_main
.not_wanted:
	cli
	hlt
	jmp .not_wanted

section .bss
align 16
	resb 1024
ap_stack_end:
ap_stack_lock:
	resd 1
