; SPDX-License-Identifier: MIT
; RDMSR and WRMSR that may fault. Neither function uses the stack, so the handler can simply go on at `faulted`.
bits 64
default rel

section .text

; bool rdmsr_safe(u32 msr, u64 *value)
global rdmsr_safe:function hidden
rdmsr_safe:
	mov ecx, edi
read_insn:
	rdmsr
	shl rdx, 32
	or rax, rdx
	mov [rsi], rax
	mov eax, 1
	ret

; bool wrmsr_safe(u32 msr, u64 value)
global wrmsr_safe:function hidden
wrmsr_safe:
	mov ecx, edi
	mov eax, esi
	mov rdx, rsi
	shr rdx, 32
write_insn:
	wrmsr
	mov eax, 1
	ret

faulted:
	xor eax, eax
	ret

; u64 msr_safe_landing(u64 rip)
global msr_safe_landing:function hidden
msr_safe_landing:
	lea rax, [faulted]
	lea rdx, [read_insn]
	cmp rdi, rdx
	je .found
	lea rdx, [write_insn]
	cmp rdi, rdx
	je .found
	xor eax, eax
.found:
	ret
