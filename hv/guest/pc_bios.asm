; SPDX-License-Identifier: MIT
; What a PC's BIOS leaves for real mode, without being one: handlers that acknowledge the 8259s. They lie in segment F000h, at
; PC_BIOS_CODE of hv/guest/pc_bios.h.

TICKS		equ 0x46c		; BIOS data area: timer ticks since midnight
PIC_MASTER	equ 0x20
PIC_SLAVE	equ 0xa0
EOI		equ 0x20

section .rodata
bits 16
global pc_bios_code:data hidden
global pc_bios_timer:data hidden
global pc_bios_master:data hidden
global pc_bios_slave:data hidden
global pc_bios_none:data hidden
global pc_bios_code_end:data hidden

pc_bios_code:
pc_bios_timer:
	push ds
	push ax
	xor ax, ax
	mov ds, ax
	inc dword [TICKS]
	pop ax
	pop ds
pc_bios_master:
	push ax
	mov al, EOI
	jmp pc_bios_slave.master
pc_bios_slave:
	push ax
	mov al, EOI
	out PIC_SLAVE, al
.master:
	out PIC_MASTER, al
	pop ax
pc_bios_none:
	iret
pc_bios_code_end:
