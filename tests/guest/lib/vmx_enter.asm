; SPDX-License-Identifier: MIT
; Into an L2 and back: general registers are switched here, all else is the VMCS's.

HOST_RSP	equ 0x6c14		; vmx/vmcs_fields.def
HOST_RIP	equ 0x6c16
LAUNCHED	equ 128			; struct l2, asserted in vmx.c

VM_EXITED	equ 0
VM_FAIL_INVALID	equ 1
VM_FAIL_VALID	equ 2

global l2_switch

section .text
bits 64

%include "tests/guest/lib/callee_saved.inc"
%include "vmx/guest_registers.inc"

; u32 l2_switch(struct l2 *): VM_EXITED where a VM exit, or an entry that failed on L2's state, came back.
l2_switch:
	push_callee_saved
	push rdi
	mov eax, HOST_RSP
	vmwrite rax, rsp
	mov eax, HOST_RIP
	mov ecx, .landing
	vmwrite rax, rcx
	cmp dword [rdi + LAUNCHED], 0
	each_guest_register load_register	; MOV leaves the flags alone
	mov rdi, [rdi + 8 * 7]
	jne .resume
	vmlaunch
	jmp .failed
.resume:
	vmresume
.failed:
	mov eax, VM_FAIL_VALID
	mov ecx, VM_FAIL_INVALID
	cmovc eax, ecx
	pop rdi
	jmp .return
.landing:
	push rdi
	mov rdi, [rsp + 8]
	each_guest_register store_register
	pop qword [rdi + 8 * 7]
	pop rdi
	xor eax, eax			; VM_EXITED
.return:
	pop_callee_saved
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
