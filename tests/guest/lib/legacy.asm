; SPDX-License-Identifier: MIT
; From 64-bit mode down to 32-bit protected mode without paging, and on to real-address mode, and back. Any exception down
; there ends the trip; its vector is kept. The pieces of code that tests send down stand here too.

KERNEL_CS	equ 0x08		; descriptors.h
KERNEL_DS	equ 0x10
TSS_SELECTOR	equ 0x60
CODE32		equ 0x30
CODE32_LONG	equ 0x40
CODE16		equ 0x48
DATA16		equ 0x50
TSS16		equ 0x58

USER_DS		equ 0x1b
USER_CODE32	equ 0x163
VECTOR_AC	equ 17

EFLAGS_AC	equ 1 << 18
CR0_PE		equ 1 << 0
CR0_AM		equ 1 << 18
CR0_CD		equ 1 << 30
CR0_PG		equ 1 << 31
MSR_EFER	equ 0xc0000080
EFER_LME	equ 1 << 8
MSR_UNKNOWN	equ 0x1fff
TYPE_BYTE	equ 5			; of a descriptor
TYPE_BUSY	equ 2
NO_VECTOR	equ 256
VECTORS		equ 32
STUB_SIZE	equ 16
UNCLAIMED	equ 0x6f0

extern descriptor_gdt_pointer
global legacy_run, legacy_vector
global legacy_alignment_storm
global legacy_cache_disable, legacy_pae, legacy_long_with_tss16, legacy_long_with_long_cs, legacy_real
global real_code, real_code_end, real_result

%include "tests/guest/lib/callee_saved.inc"

section .text
bits 64

; u32 legacy_run(void (*code)(void), u32 argument): 32-bit code finds the argument in ESI and leaves its result in EAX.
legacy_run:
	push_callee_saved
	mov [saved_rsp], rsp
	mov rax, cr0
	mov [saved_cr0], eax
	mov rax, cr3
	mov [saved_cr3], eax
	mov rax, cr4
	mov [saved_cr4], eax
	sidt [saved_idt]
	mov dword [legacy_vector], NO_VECTOR
	mov ebx, edi
	mov eax, KERNEL_DS		; a trip to ring 3 left them null
	mov ds, eax
	mov es, eax
	push CODE32
	push qword .compatibility
	retfq

bits 32
.compatibility:
	mov eax, [saved_cr0]
	and eax, ~CR0_PG
	mov cr0, eax			; long mode is left
	mov ecx, MSR_EFER
	rdmsr
	and eax, ~EFER_LME
	wrmsr
	call build_idt
	lidt [idt_pointer]
	mov esp, stack_end
	call ebx

back:
	mov edi, eax
	mov eax, cr0
	and eax, ~CR0_PG
	mov cr0, eax
	jmp CODE32:.flat
.flat:
	mov eax, KERNEL_DS
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov esp, stack_end
	mov ebx, [descriptor_gdt_pointer + 2]
	and byte [ebx + TSS_SELECTOR + TYPE_BYTE], ~TYPE_BUSY
	mov eax, TSS_SELECTOR
	ltr ax
	mov eax, [saved_cr4]
	mov cr4, eax
	mov eax, [saved_cr3]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, [saved_cr0]
	mov cr0, eax
	jmp KERNEL_CS:.long

bits 64
.long:
	lidt [saved_idt]
	mov rsp, [saved_rsp]
	mov eax, edi
	pop_callee_saved
	ret

bits 32
build_idt:
	mov eax, stubs
	mov edi, idt
	mov ecx, VECTORS
.next:
	mov [edi], ax
	mov word [edi + 2], CODE32
	mov edx, eax
	mov dx, 0x8e00			; present, 32-bit interrupt gate
	mov [edi + 4], edx
	add eax, STUB_SIZE
	add edi, 8
	loop .next
	ret

align STUB_SIZE
stubs:
%assign vector 0
%rep VECTORS
	align STUB_SIZE
	mov dword [legacy_vector], vector
	jmp near back
%assign vector vector + 1
%endrep

; Sets CR0.CD and returns CR0 as it then reads.
legacy_cache_disable:
	mov edx, cr0
	mov eax, edx
	or eax, CR0_CD
	mov cr0, eax
	mov eax, cr0
	mov cr0, edx
	ret

; PAE paging with CR3 = ESI, switched on by a write that also sets CR0.CD; returns EFER's low half, read with paging on.
legacy_pae:
	mov cr3, esi
	mov eax, cr0
	or eax, CR0_PG | CR0_CD
	mov cr0, eax
	mov ecx, MSR_EFER
	rdmsr
	mov ebx, eax
	mov eax, cr0
	and eax, ~(CR0_PG | CR0_CD)
	mov cr0, eax
	mov eax, ebx
	ret

; EFER.LME, then paging together with CR0.CD.
activate_long_mode:
	mov eax, [saved_cr3]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, cr0
	or eax, CR0_PG | CR0_CD
	mov cr0, eax
	ret

legacy_long_with_tss16:
	mov ebx, [descriptor_gdt_pointer + 2]
	and byte [ebx + TSS16 + TYPE_BYTE], ~TYPE_BUSY
	mov eax, TSS16
	ltr ax
	jmp activate_long_mode

legacy_long_with_long_cs:
	jmp CODE32_LONG:activate_long_mode

; Never comes back: #AC in ring 3, whose handler has its ring and a stack that is not aligned, so delivery raises it again.
legacy_alignment_storm:
	mov dword [idt + VECTOR_AC * 8], USER_CODE32 << 16
	mov dword [idt + VECTOR_AC * 8 + 4], 0xee00
	mov eax, cr0
	or eax, CR0_AM
	mov cr0, eax
	mov eax, USER_DS
	mov ds, eax			; the way to ring 3 would leave ring 0's null
	mov eax, esp
	push USER_DS
	sub eax, 255			; odd
	push eax
	push EFLAGS_AC
	push USER_CODE32
	push .user
	iretd
.user:
	mov dword [esi], 1		; ESI: tells that the storm begins
	mov eax, [esi + 1]
	jmp .user

; Real-address mode: real_code was copied to REAL_BASE. ESI other than 0: only wait for an interrupt of a BIOS' world.
%define REAL(label) (REAL_BASE + (label) - real_code)
REAL_BASE	equ 0x8000
REAL_STACK	equ 0x8ff0

legacy_real:
	jmp CODE16:REAL_BASE

section .rodata
bits 16
real_code:
	mov ax, DATA16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov eax, cr0
	and al, ~CR0_PE
	mov cr0, eax
	jmp 0:REAL(.real)
.real:
	xor ax, ax
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov sp, REAL_STACK
	test esi, esi
	jnz real_wait
	lidt [REAL(real_idt_pointer)]
	xor eax, eax
	cpuid
	mov [REAL(real_result)], ebx
	cld
	mov dx, UNCLAIMED
	mov di, REAL(real_result) + 4
	insw
	mov word [REAL(real_result) + 6], di
	mov ecx, MSR_UNKNOWN
	rdmsr				; #GP, which pushes no error code here
real_after:
	jmp real_leave
real_gp:
	mov ax, REAL_STACK
	sub ax, sp
	mov [REAL(real_result) + 8], ax	; bytes that the exception pushed
	pop ax
	sub ax, REAL(real_after) - 2
	mov [REAL(real_result) + 10], ax ; 0: the saved IP is the RDMSR's
	mov di, 0xffff
	mov bx, REAL(real_beyond)
	mov [REAL(real_ivt) + 13 * 4], bx
	insw				; beyond the segment's limit: #GP
	jmp real_leave
real_beyond:
	mov word [REAL(real_result) + 12], 1
real_leave:
	mov eax, cr0
	or al, CR0_PE
	mov cr0, eax
	jmp dword CODE32:back

real_wait:
	lidt [REAL(real_bios_idt)]
	mov eax, [0x46c]		; ticks, in the BIOS data area
	mov [REAL(real_result)], eax
	sti
	hlt
	cli
	mov eax, [0x46c]
	sub eax, [REAL(real_result)]
	mov [REAL(real_result)], eax
	jmp real_leave

align 4
real_bios_idt:
	dw 0x3ff
	dd 0
align 4
real_idt_pointer:
	dw real_ivt_end - real_ivt - 1
	dd REAL(real_ivt)
align 4
real_ivt:
	times 13 dd 0
	dw REAL(real_gp), 0
	times 18 dd 0
real_ivt_end:
real_result:
	times 4 dd 0
real_code_end:

section .data
align 8
idt_pointer:
	dw VECTORS * 8 - 1
	dd idt

section .bss nobits write align=16
idt:		resq VECTORS
stack:		resb 1024
stack_end:
saved_rsp:	resq 1
saved_idt:	resb 16
saved_cr0:	resd 1
saved_cr3:	resd 1
saved_cr4:	resd 1
legacy_vector:	resd 1

section .note.GNU-stack noalloc noexec nowrite progbits
