; SPDX-License-Identifier: MIT
; A sound multiboot image whose .bss, 3 GiB, is more than the test machine has.
section .text
align 4
	dd 0x1badb002, 0, -0x1badb002
global _start
_start:
	hlt
	jmp _start

section .bss
	resb 0x60000000 ; NASM counts a reservation in 31 bits
	resb 0x60000000
