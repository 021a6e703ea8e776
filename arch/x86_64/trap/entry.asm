; The way into the kernel and out of it.
;
; User registers go straight into the running thread's frame (arch_cpu.frame), then C runs on
; this CPU's empty kernel stack, with interrupts off and GS at struct arch_cpu. What C returns
; (struct arch_resume) says who leaves and how. The kernel keeps nothing on its stack between
; two entries. The way in saves into the running thread's frame without the lock: whoever holds it
; leaves the frame of a thread that runs alone. The way out releases the lock when everything is
; loaded: from then on another CPU may change either frame.

; arch/lock.h: only the holder writes the ticket that is served.
%define UNLOCK inc dword [kern_lock]

%include "layout.inc"

default rel
extern kern_syscall, trap_user, trap_idle, trap_kernel, kern_lock

section .text

; SYSCALL brought rip in rcx and rflags in r11, masked rflags by FMASK, and changed no stack.
; It is written for the fewest instructions: each counts twice in an IPC round trip.
global entry_syscall
entry_syscall:
    swapgs
    mov [gs:CPU_SCRATCH], rsp
    mov rsp, [gs:CPU_FRAME]
    mov [rsp + FRAME_RDX], rdx
    mov [rsp + FRAME_R8], r8
    mov [rsp + FRAME_R9], r9
    mov [rsp + FRAME_R10], r10
    mov [rsp + FRAME_R12], r12
    mov [rsp + FRAME_R13], r13
    mov [rsp + FRAME_RDI], rdi
    mov [rsp + FRAME_RSI], rsi
    mov [rsp + FRAME_RAX], rax
    mov [rsp + FRAME_RBX], rbx
    mov [rsp + FRAME_RBP], rbp
    mov [rsp + FRAME_R14], r14
    mov [rsp + FRAME_R15], r15
    mov [rsp + FRAME_RIP], rcx
    mov [rsp + FRAME_RFLAGS], r11
    mov rcx, [gs:CPU_SCRATCH]
    mov [rsp + FRAME_RSP], rcx
    mov rdx, rsp
    mov rsp, [gs:CPU_STACK]
    call kern_syscall           ; (rdi, rsi, frame)

; rax = the frame to leave with, rdx = the frame of the message words.
leave_by_sysret:
    mov r8, [rdx + FRAME_R8]
    mov r9, [rdx + FRAME_R9]
    mov r10, [rdx + FRAME_R10]
    mov r12, [rdx + FRAME_R12]
    mov r13, [rdx + FRAME_R13]
    mov rdx, [rdx + FRAME_RDX]
    mov rdi, [rax + FRAME_RDI]
    mov rsi, [rax + FRAME_RSI]
    mov rbx, [rax + FRAME_RBX]
    mov rbp, [rax + FRAME_RBP]
    mov r14, [rax + FRAME_R14]
    mov r15, [rax + FRAME_R15]
    ; rcx is canonical: SYSCALL saved it, and no user page touches 2^47 (USER_END).
    mov rcx, [rax + FRAME_RIP]
    mov r11, [rax + FRAME_RFLAGS]
    mov rsp, [rax + FRAME_RSP]
    mov rax, [rax + FRAME_RAX]
    UNLOCK
    ; An NMI or #MC here finds a user stack and perhaps the user's GS: it runs on its own
    ; stack and looks at neither.
    swapgs
at_sysret:
    o64 sysret

; The same for any thread: rdx may be 0.
leave_kernel:
    test rdx, rdx
    jnz leave_by_sysret
    mov qword [rax + FRAME_TRAPPED], 0
    push USER_DS
    push qword [rax + FRAME_RSP]
    push qword [rax + FRAME_RFLAGS]
    push USER_CS
    push qword [rax + FRAME_RIP]
    mov rdx, [rax + FRAME_RDX]
    mov r8, [rax + FRAME_R8]
    mov r9, [rax + FRAME_R9]
    mov r10, [rax + FRAME_R10]
    mov r12, [rax + FRAME_R12]
    mov r13, [rax + FRAME_R13]
    mov rdi, [rax + FRAME_RDI]
    mov rsi, [rax + FRAME_RSI]
    mov rbx, [rax + FRAME_RBX]
    mov rbp, [rax + FRAME_RBP]
    mov r14, [rax + FRAME_R14]
    mov r15, [rax + FRAME_R15]
    mov rcx, [rax + FRAME_RCX]
    mov r11, [rax + FRAME_R11]
    mov rax, [rax + FRAME_RAX]
    UNLOCK
    swapgs
at_iret:
    iretq                       ; cannot fault: rip and flags were checked when they were set

; void arch_leave(struct arch_resume)
global arch_leave
arch_leave:
    mov rax, rdi
    mov rdx, rsi
    mov rsp, [gs:CPU_STACK]
    jmp leave_kernel

; void arch_idle(void): the one place where the kernel can be interrupted.
global arch_idle
arch_idle:
    mov rsp, [gs:CPU_STACK]
    UNLOCK
.again:
    sti
    hlt
    jmp .again

; Exceptions and interrupts. On the stack: vector, code, rip, cs, rflags, rsp, ss.
trap_entry:
    test byte [rsp + 24], 3
    jz trap_in_kernel
trap_from_user:
    swapgs
    push rax
    mov rax, [gs:CPU_FRAME]
    mov [rax + FRAME_RDX], rdx
    mov [rax + FRAME_R8], r8
    mov [rax + FRAME_R9], r9
    mov [rax + FRAME_R10], r10
    mov [rax + FRAME_R12], r12
    mov [rax + FRAME_R13], r13
    mov [rax + FRAME_RDI], rdi
    mov [rax + FRAME_RSI], rsi
    mov [rax + FRAME_RBX], rbx
    mov [rax + FRAME_RBP], rbp
    mov [rax + FRAME_R14], r14
    mov [rax + FRAME_R15], r15
    mov [rax + FRAME_RCX], rcx
    mov [rax + FRAME_R11], r11
    mov qword [rax + FRAME_TRAPPED], 1
    pop qword [rax + FRAME_RAX]
    pop rsi
    pop rdx
    pop qword [rax + FRAME_RIP]
    pop rcx
    pop qword [rax + FRAME_RFLAGS]
    pop qword [rax + FRAME_RSP]
    mov rsp, [gs:CPU_STACK]
    push 2                      ; the user's AC would lift SMAP, its DF break the compiler's
    popfq                       ; string instructions; SYSCALL clears them by FMASK
    mov rdi, rax
    call trap_user              ; (frame, vector, code)
    jmp leave_kernel

; An interrupt comes from arch_idle(), of which nothing is kept. Anything else is a kernel bug,
; or has a stack of its own.
trap_in_kernel:
    cmp qword [rsp], 32
    jb trap_alone
    mov rdi, [rsp]
    mov rsp, [gs:CPU_STACK]
    call trap_idle              ; (vector)
    jmp leave_kernel

; Saves all registers as struct trap_state on the stack it is on, and may return. GS is unknown.
trap_alone:
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    mov rax, rsp
    and rsp, -16
    push rax
    push rax
    call trap_kernel            ; (struct trap_state *)
    pop rsp
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

; 256 entries of 16 bytes. The CPU pushes an error code for vectors 8, 10-14, 17, 21, 29, 30.
align 16
global trap_stubs
trap_stubs:
%assign vector 0
%rep 256
    align 16
    %if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push 0
    %endif
    push vector
    %if vector == 2             ; an NMI may come at any instruction, in either mode
    jmp trap_alone
    %else
    jmp trap_entry
    %endif
    %assign vector vector + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
