; SPDX-License-Identifier: MIT
; Changing stack and address space in one go.
bits 64
default rel

section .text

; void stack_switch(u64 cr3, u64 top, void (*run)(void *), void *arg)
global stack_switch:function hidden
stack_switch:
	mov cr3, rdi
	mov rsp, rsi
	xor ebp, ebp		; the stack trace ends here
	mov rdi, rcx
	call rdx
	ud2
