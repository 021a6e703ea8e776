# How each kind of code is compiled. Included once, by the top-level CMakeLists.txt.
#
# A target links exactly one of these INTERFACE libraries and gets its flags from there:
#   pith_kernel    arch/ and kern/: ring 0, no FPU, upper 2 GiB
#   pith_server    ring-3 ELF without libc; general registers only, so that its thread never
#                  takes part in FPU switches
#   pith_program   ring-3 ELF over newlib (use pith_add_program)
#   pith_host      host code under ASan and UBSan
#   pith_host_fast host code as fast as it gets, for tools that are timed
# Include directories are never global: a target sees its own kind's headers and what it
# links. That is how DESIGN's "who may see whom" is enforced.

include_guard()

# There is one configuration: optimised, with debug information. CMake's own per-type flags
# stay out of it.
set(CMAKE_BUILD_TYPE "" CACHE STRING "unused: there is one configuration" FORCE)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_ASM_NASM_OBJECT_FORMAT elf64)

set(PITH_GEN_DIR ${CMAKE_BINARY_DIR}/gen) # what toolchain/gen.py writes

add_library(pith_warnings INTERFACE)
target_compile_options(pith_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall$<SEMICOLON>-Wextra$<SEMICOLON>-Werror>
    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes$<SEMICOLON>-Wvla>
    $<$<COMPILE_LANGUAGE:ASM_NASM>:-w+all$<SEMICOLON>-Werror>)

# The compiler's own headers (stdint.h, stdarg.h, immintrin.h, ...), the only ones of the host
# that code for the target may see.
execute_process(
    COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE PITH_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

# What all code for the target has in common. The path map keeps this machine's paths out of
# the binaries, so that the same source gives the same bytes.
set(PITH_TARGET_FLAGS
    -O2 -g -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
    -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -fno-common)

# pith_target(NAME FLAG...): an INTERFACE library for freestanding code with these extra flags.
function(pith_target name)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE pith_warnings)
    set(flags ${PITH_TARGET_FLAGS} ${ARGN} -ffreestanding -nostdinc
        "SHELL:-isystem ${PITH_COMPILER_INCLUDE}")
    target_compile_options(${name} INTERFACE "$<$<COMPILE_LANGUAGE:C>:${flags}>")
    target_compile_options(${name} INTERFACE
        "$<$<COMPILE_LANGUAGE:ASM_NASM>:-g$<SEMICOLON>-Fdwarf>")
    target_link_options(${name} INTERFACE
        -nostdlib -static -no-pie -Wl,--build-id=sha1 -Wl,-z,noexecstack -Wl,--fatal-warnings
        -Wl,-z,max-page-size=4096)
endfunction()

if(PITH_HOST)
    add_library(pith_host_fast INTERFACE)
    target_link_libraries(pith_host_fast INTERFACE pith_warnings)
    target_compile_options(pith_host_fast INTERFACE -O2 -g)

    add_library(pith_host INTERFACE)
    target_link_libraries(pith_host INTERFACE pith_warnings)
    target_compile_options(pith_host INTERFACE
        -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(pith_host INTERFACE -fsanitize=address,undefined)
else()
    pith_target(pith_kernel
        -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-asynchronous-unwind-tables)
    pith_target(pith_server -mgeneral-regs-only -fno-asynchronous-unwind-tables)
endif()

# Every store calls a function first (servers/lib/kept.c), before it is made. The sanitizer's
# name for it; nothing else of the sanitizer is used.
add_library(pith_announced INTERFACE)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_compile_options(pith_announced INTERFACE -fsanitize=kernel-address
        "SHELL:-mllvm -asan-instrumentation-with-call-threshold=0"
        "SHELL:-mllvm -asan-instrument-reads=0" "SHELL:-mllvm -asan-stack=0"
        "SHELL:-mllvm -asan-globals=0" "SHELL:-mllvm -asan-memory-access-callback-prefix=__asan_")
else()
    target_compile_options(pith_announced INTERFACE -fsanitize=kernel-address
        "SHELL:--param asan-instrumentation-with-call-threshold=0"
        "SHELL:--param asan-instrument-reads=0" "SHELL:--param asan-stack=0"
        "SHELL:--param asan-globals=0" "SHELL:--param asan-memintrin=0")
endif()

# pith_add_server(NAME SOURCE...): a freestanding ring-3 ELF over servers/lib (target
# pith_servers_lib, which brings start-up code, generated stubs and the linker script).
function(pith_add_server name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE pith_server pith_servers_lib)
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# pith_add_kept_server(NAME SOURCE...): the same, for one whose state outlasts its instances
# (servers/lib/include/lib/kept.h).
function(pith_add_kept_server name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE pith_server pith_announced pith_servers_kept)
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# pith_add_program(NAME SOURCE...): an ordinary C program over newlib. pith_program is defined
# in libc-port/.
function(pith_add_program name)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES C_EXTENSIONS ON)
    target_link_libraries(${name} PRIVATE pith_program pith_warnings)
endfunction()

# pith_root_file(PATH FILE): FILE becomes /PATH of the root file system.
function(pith_root_file path file)
    set_property(GLOBAL APPEND PROPERTY PITH_ROOT_LINES "${path}=${file}")
    set_property(GLOBAL APPEND PROPERTY PITH_ROOT_DEPENDS ${file})
endfunction()

# pith_root_target(PATH TARGET): the program TARGET, stripped, becomes /PATH.
function(pith_root_target path target)
    set(stripped ${CMAKE_CURRENT_BINARY_DIR}/${target}.stripped)
    add_custom_command(OUTPUT ${stripped}
        COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:${target}> ${stripped}
        DEPENDS ${target} VERBATIM)
    # Makes the rule known to iso/, which is another directory.
    add_custom_target(${target}_stripped DEPENDS ${stripped})
    set_property(GLOBAL APPEND PROPERTY PITH_ROOT_LINES "${path}=${stripped}")
    set_property(GLOBAL APPEND PROPERTY PITH_ROOT_DEPENDS ${stripped} ${target}_stripped)
endfunction()

# pith_root_link(PATH TARGET): /PATH is a symbolic link to TARGET.
function(pith_root_link path target)
    set_property(GLOBAL APPEND PROPERTY PITH_ROOT_LINES "${path}@${target}")
endfunction()
