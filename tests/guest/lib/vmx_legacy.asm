; SPDX-License-Identifier: MIT
; VMX instructions of a 32-bit hypervisor: pieces of code for legacy_run(), which finds the argument in ESI.

CR0_NE		equ 1 << 5
CR0_PG		equ 1 << 31
CR4_VMXE	equ 1 << 13
TSC_OFFSET	equ 0x2010		; a 64-bit field, its high half, and one of natural width
TSC_OFFSET_HIGH	equ 0x2011
GUEST_RSP	equ 0x681c

; struct vmx_legacy, asserted in vmx_legacy.c
CR3_AT		equ 0
VMXON_AT	equ 8
VMCS_AT		equ 16
POINTER_AT	equ 24
LOW_AT		equ 32
HIGH_AT		equ 40
CLEARED_AT	equ 44
NATURAL_AT	equ 48
FLAGS_AT	equ 56

global vmx_legacy_flat, vmx_legacy_pae

section .text
bits 32

%macro NOTE 0
	pushfd
	pop dword [ebx]
	add ebx, 4
%endmacro

; VMXON without paging; an exception ends the trip.
vmx_legacy_flat:
	mov eax, cr4
	or eax, CR4_VMXE
	mov cr4, eax
	vmxon [esi + VMXON_AT]
	vmxoff
	ret

; Under PAE paging: in, one VMCS, out again. The flags of each instruction, in order; returns how many.
vmx_legacy_pae:
	mov eax, [esi + CR3_AT]
	mov cr3, eax
	mov eax, cr4
	or eax, CR4_VMXE
	mov cr4, eax
	mov eax, cr0
	or eax, CR0_PG | CR0_NE
	mov cr0, eax
	lea ebx, [esi + FLAGS_AT]
	vmxon [esi + VMXON_AT]
	NOTE
	vmclear [esi + VMCS_AT]
	NOTE
	vmptrld [esi + VMCS_AT]
	NOTE
	vmptrst [esi + POINTER_AT]
	NOTE
	mov eax, TSC_OFFSET
	mov edx, 0x89abcdef
	vmwrite eax, edx
	NOTE
	mov eax, TSC_OFFSET_HIGH
	mov edx, 0x01234567
	vmwrite eax, edx
	NOTE
	vmread [esi + HIGH_AT], eax
	NOTE
	mov eax, TSC_OFFSET
	vmread [esi + LOW_AT], eax
	NOTE
	mov dword [esi + CLEARED_AT], 0x5555
	vmwrite eax, [esi + CLEARED_AT]	; clears the field's high half
	NOTE
	mov eax, TSC_OFFSET_HIGH
	vmread ecx, eax
	NOTE
	mov [esi + CLEARED_AT], ecx
	mov eax, GUEST_RSP
	mov edx, 0xfedcba98
	vmwrite eax, edx
	NOTE
	vmread edi, eax
	NOTE
	mov [esi + NATURAL_AT], edi
	vmxoff
	NOTE
	mov eax, cr0
	and eax, ~CR0_PG
	mov cr0, eax
	mov eax, cr4
	and eax, ~CR4_VMXE
	mov cr4, eax
	mov eax, ebx
	sub eax, esi
	sub eax, FLAGS_AT
	shr eax, 2
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
