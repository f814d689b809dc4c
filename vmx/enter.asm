; SPDX-License-Identifier: MIT
; VM entry and exit: the guest's general registers are switched here, everything else is the VMCS's business.
bits 64
default rel
%include "asm_offsets.inc"

%include "vmx/guest_registers.inc"

%if VCPU_REGS != 0
%error "struct vcpu begins with the registers"
%endif

; A full fence: whoever sets a request from here on sees in_guest and kicks.
%macro declare_in_guest 0
	mov eax, 1
	xchg [rdi + VCPU_IN_GUEST], eax
%endmacro

%define VMX_SUCCEED      0
%define VMX_FAIL_INVALID 1
%define VMX_FAIL_VALID   2

extern vcpu_handle_exit
extern vcpu_handle_requests

section .text

; u32 vcpu_loop(struct vcpu *v) - see vmx/vcpu.h
; The stack from HOST_RSP up: v, the caller's registers. It stays so for the whole loop, so HOST_RSP is written once.
global vcpu_loop:function hidden
vcpu_loop:
	push rbp
	mov rbp, rsp
	push rbx
	push r12
	push r13
	push r14
	push r15
	push rdi
	mov eax, FIELD_HOST_RSP
	vmwrite rax, rsp
	mov [rdi + VCPU_HOST_RSP], rsp

enter:
	cmp dword [rdi + VCPU_LAUNCHED], 0
	je first_entry
	declare_in_guest
	each_guest_register load_register

; The gate: requests are tested and the guest is entered in one restartable region. A kick (NMI) that lands inside finds
; RIP in [gate_begin, gate_end) and moves it to gate_cancel: the guest's registers are still whole in struct vcpu.
global gate_begin:function hidden
gate_begin:
	cmp dword [rdi + VCPU_REQUESTS], 0
	jne gate_cancel
	mov rdi, [rdi + 8 * 7]
	vmresume
	jmp failed
gate_launch:
	cmp dword [rdi + VCPU_REQUESTS], 0
	jne gate_cancel
	mov rdi, [rdi + 8 * 7]
	vmlaunch
	jmp failed
global gate_end:function hidden
gate_end:

first_entry:
	declare_in_guest
	each_guest_register load_register
	jmp gate_launch

; CF: no current VMCS; ZF: VM-instruction error
failed:
	mov eax, VMX_FAIL_VALID
	mov ecx, VMX_FAIL_INVALID
	cmovc eax, ecx
	mov rdi, [rsp]
	mov dword [rdi + VCPU_IN_GUEST], 0
	jmp leave

global gate_cancel:function hidden
gate_cancel:
	mov rdi, [rsp]
	lea rbp, [rsp + 6 * 8]
	mov dword [rdi + VCPU_IN_GUEST], 0
	call vcpu_handle_requests
	mov rdi, [rsp]
	test al, al
	jnz enter
	jmp stopped

; The CPU arrives here at a VM exit.
global vcpu_exit_landing:function hidden
vcpu_exit_landing:
	push rdi
	mov rdi, [rsp + 8]
	each_guest_register store_register
	pop qword [rdi + 8 * 7]
	mov dword [rdi + VCPU_IN_GUEST], 0
	mov dword [rdi + VCPU_LAUNCHED], 1
	; No guest value stays in a register that C code might use speculatively.
	xor eax, eax
	xor ebx, ebx
	xor ecx, ecx
	xor edx, edx
	xor esi, esi
	xor r8d, r8d
	xor r9d, r9d
	xor r10d, r10d
	xor r11d, r11d
	xor r12d, r12d
	xor r13d, r13d
	xor r14d, r14d
	xor r15d, r15d
	lea rbp, [rsp + 6 * 8]                  ; the frame of vcpu_loop, for stack traces
	call vcpu_handle_exit
	mov rdi, [rsp]
	test al, al
	jnz enter
stopped:
	xor eax, eax                            ; VMX_SUCCEED: the vCPU leaves its loop
leave:
	pop rdi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	ret
