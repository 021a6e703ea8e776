; From GRUB to C: the Multiboot2 header, the 32-bit entry, long mode.
;
; GRUB jumps to `start` in 32-bit protected mode without paging, eax = magic, ebx = the physical
; address of the boot information; nothing else is relied on. This file maps the first 4 GiB at 0
; (until map_init()) and at ARCH_DIRECT_BASE, the image at its link address, all writable and
; executable; mm/map.c then narrows it. `.boot` is linked at its physical address.

%include "layout.inc"

MULTIBOOT_MAGIC equ 0xe85250d6
LOADER_MAGIC    equ 0x36d76289
CR0_PG_WP_NE_PE equ 0x80010023  ; also MP
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME        equ 1 << 8
LONG_MODE       equ 1 << 29     ; CPUID 0x80000001, edx
PRESENT_WRITE   equ 3
LARGE           equ 1 << 7

; The tables' offsets in map_tables (mm/map.c)
TOP             equ 0
DIRECT_PDPT     equ 0x1000
IMAGE_PDPT      equ 0x2000
IMAGE_PD        equ 0x3000
DIRECT_PDS      equ 0x4000

extern map_tables_phys          ; these five are the linker script's
extern bss_phys
extern bss_words
extern cpu_areas
extern arch_main

section .boot progbits alloc exec write align=8

header:
    dd MULTIBOOT_MAGIC, 0, header_end - header
    dd 0x100000000 - (MULTIBOOT_MAGIC + header_end - header)
    dw 1, 0                     ; we need the memory map
    dd 12, 6
    align 8
    dw 6, 0                     ; modules on page boundaries
    dd 8
    dw 0, 0
    dd 8
header_end:

bits 32
global start
start:
    cli
    cld
    mov ebp, ebx
    mov esi, text_magic
    cmp eax, LOADER_MAGIC
    jne fail
    mov esp, boot_stack_top

    mov edi, bss_phys
    mov ecx, bss_words
    xor eax, eax
    rep stosd

    mov esi, text_cpu           ; CPUID is there if its flag (bit 21) can be changed
    pushfd
    pop eax
    mov ecx, eax
    xor eax, 1 << 21
    push eax
    popfd
    pushfd
    pop eax
    cmp eax, ecx
    je fail
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb fail
    mov eax, 0x80000001
    cpuid
    test edx, LONG_MODE
    jz fail

    mov ebx, map_tables_phys
    lea eax, [ebx + DIRECT_PDPT + PRESENT_WRITE]
    mov [ebx + TOP], eax
    mov [ebx + TOP + 256 * 8], eax
    lea eax, [ebx + IMAGE_PDPT + PRESENT_WRITE]
    mov [ebx + TOP + 511 * 8], eax
    lea eax, [ebx + IMAGE_PD + PRESENT_WRITE]
    mov [ebx + IMAGE_PDPT + 510 * 8], eax
    lea eax, [ebx + DIRECT_PDS + PRESENT_WRITE]
    xor ecx, ecx
.gigabytes:
    mov [ebx + DIRECT_PDPT + ecx * 8], eax
    add eax, 0x1000
    inc ecx
    cmp ecx, 4
    jb .gigabytes
    mov eax, PRESENT_WRITE | LARGE
    xor ecx, ecx
.pages:
    mov [ebx + DIRECT_PDS + ecx * 8], eax
    add eax, 0x200000
    inc ecx
    cmp ecx, 4 * 512
    jb .pages
    mov dword [ebx + IMAGE_PD], PRESENT_WRITE | LARGE
    mov dword [ebx + IMAGE_PD + 8], 0x200000 | PRESENT_WRITE | LARGE

    mov eax, CR4_PAE
    mov cr4, eax
    mov cr3, ebx
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, CR0_PG_WP_NE_PE
    mov cr0, eax
    lgdt [gdt_pointer]
    jmp KERNEL_CS:start64

; Prints the text at esi on COM1 and the text screen, and stops.
fail:
    mov edi, 0xb8000
.next:
    lodsb
    test al, al
    jz .stop
    mov ah, 0x4f                ; white on red
    mov [edi], ax
    add edi, 2
    mov bl, al
    mov dx, 0x3fd
    mov ecx, 100000
.wait:
    in al, dx
    test al, 0x20
    loopz .wait
    mov dx, 0x3f8
    mov al, bl
    out dx, al
    jmp .next
.stop:
    hlt
    jmp .stop

bits 64
start64:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rsp, cpu_areas + 4096 + STACK_BYTES
    mov rax, arch_main
    mov edi, ebp
    xor ebp, ebp
    call rax                    ; does not return

text_magic: db "Pith: start me with a Multiboot2 boot loader (GRUB: multiboot2)", 13, 10, 0
text_cpu:   db "Pith: this CPU has no 64-bit mode", 13, 10, 0

align 8
gdt:
    dq 0
    dq 0x00209a0000000000       ; KERNEL_CS
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd gdt

align 16
    times 64 db 0
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
