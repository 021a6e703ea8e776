/// Offsets and numbers that C and assembly share. Only `#define NAME VALUE` lines: the build
/// turns them into nasm's %define. frame.h and cpu.h assert them.
#pragma once

// struct arch_frame
#define FRAME_RDX     0
#define FRAME_R8      8
#define FRAME_R9      16
#define FRAME_R10     24
#define FRAME_R12     32
#define FRAME_R13     40
#define FRAME_RDI     48
#define FRAME_RSI     56
#define FRAME_RAX     64
#define FRAME_RBX     72
#define FRAME_RBP     80
#define FRAME_R14     88
#define FRAME_R15     96
#define FRAME_RSP     104
#define FRAME_RIP     112
#define FRAME_RFLAGS  120
#define FRAME_RCX     128
#define FRAME_R11     136
#define FRAME_FS_BASE 144
#define FRAME_TRAPPED 152
#define FRAME_BYTES   160

// struct arch_cpu, at GS
#define CPU_SELF    0
#define CPU_FRAME   8
#define CPU_STACK   16
#define CPU_SCRATCH 24

// Selectors. SYSRET wants user data directly before user code.
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_DS   0x1b
#define USER_CS   0x23
#define TSS_SEL   0x28

// The page below 1 MiB where other CPUs start, and what boot/ap.asm finds at its end
#define AP_PAGE   0x8000
#define AP_GO     0xfe0
#define AP_NUMBER 0xfe4
#define AP_TABLES 0xfe8
#define AP_STACK  0xff0

// The stacks of a CPU
#define STACK_BYTES 8192
#define IST_BYTES   4096
