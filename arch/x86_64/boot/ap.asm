; Where every CPU but the first starts: copied to AP_PAGE, entered in real mode at its beginning.
;
; boot/smp.c starts one at a time and leaves at the end of the page what it needs. Whoever takes
; AP_GO may go on: a CPU that wakes when it is no longer expected stops. The tables map this page
; at its physical address meanwhile.

%include "layout.inc"

CR0_PG_WP_NE_PE equ 0x80010023  ; also MP
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME_NXE    equ 1 << 8 | 1 << 11

extern ap_main

section .rodata

global ap_start, ap_end
bits 16
ap_start:
    cli
    mov ax, cs
    mov ds, ax
    xor eax, eax
    xchg eax, [AP_GO]
    test eax, eax
    jz .stop
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, [AP_TABLES]
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME_NXE
    wrmsr
    o32 lgdt [gdt_pointer - ap_start]
    mov eax, CR0_PG_WP_NE_PE
    mov cr0, eax
    jmp dword KERNEL_CS:AP_PAGE + (long_mode - ap_start)
.stop:
    hlt
    jmp .stop

bits 64
long_mode:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rsp, [abs AP_PAGE + AP_STACK]
    mov edi, [abs AP_PAGE + AP_NUMBER]
    mov rax, ap_main
    xor ebp, ebp
    call rax                    ; does not return

align 8
gdt:
    dq 0
    dq 0x00209a0000000000       ; KERNEL_CS
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd AP_PAGE + (gdt - ap_start)
ap_end:

section .note.GNU-stack noalloc noexec nowrite progbits
