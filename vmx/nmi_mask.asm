; SPDX-License-Identifier: MIT
; Into L0's own guest of one IRET and back. It uses no general register but RSP.
bits 64
default rel
%include "asm_offsets.inc"

section .text

; bool nmi_mask_enter(bool launched): true after an exit, false when the entry was refused.
global nmi_mask_enter:function hidden
nmi_mask_enter:
	push rbp
	mov rbp, rsp
	mov eax, FIELD_HOST_RSP
	vmwrite rax, rsp
	test dil, dil
	jnz .again
	vmlaunch
	jmp .refused
.again:
	vmresume
.refused:
	xor eax, eax
	pop rbp
	ret

global nmi_mask_landing:data hidden
nmi_mask_landing:
	mov eax, 1
	pop rbp
	ret

; The guest: RSP is at a frame that leads to the next instruction.
global nmi_mask_iret:data hidden
nmi_mask_iret:
	iretq
global nmi_mask_after_iret:data hidden
nmi_mask_after_iret:
	vmcall
