; SPDX-License-Identifier: MIT
; A broken kernel: it has the multiboot header but is an ELF64 image.
section .text
align 4
	dd 0x1badb002, 0, -0x1badb002
global _start
_start:
	hlt
	jmp _start
