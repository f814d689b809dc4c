; SPDX-License-Identifier: MIT
; Into the current L2 and back with as little as can be around it: no field is written, and only what C code expects to
; be kept is kept. L2 starts with L1's registers; what it wants to keep over an exit, it keeps in memory.

EXIT_REASON	equ 0x4402		; vmx/vmcs_fields.def
VM_FAIL		equ 1 << 30		; L2_VMFAIL of vmx.h

global bench_resume, bench_landing

%include "tests/guest/lib/callee_saved.inc"

section .text
bits 64

; u32 bench_resume(u64 rdi, u64 rsi): VMRESUME with these in L2's registers; the exit-reason field, or VM_FAIL.
bench_resume:
	push_callee_saved
	mov [home], rsp
	vmresume
	mov eax, VM_FAIL
	jmp leave
; The host RIP. The host RSP is any stack.
bench_landing:
	mov rsp, [home]
	mov eax, EXIT_REASON
	vmread rax, rax
leave:
	pop_callee_saved
	ret

section .bss nobits write
home:	resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
