# CMake toolchain file for programs that run on Pith, inside the SDK:
#   cmake -B build --toolchain SDK/cmake/pith.cmake
get_filename_component(PITH_SDK "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

set(CMAKE_SYSTEM_NAME Pith)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER "${PITH_SDK}/bin/x86_64-pith-elf-gcc")
set(CMAKE_AR "${PITH_SDK}/bin/x86_64-pith-elf-ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${PITH_SDK}/bin/x86_64-pith-elf-ranlib" CACHE FILEPATH "")
set(PKG_CONFIG_EXECUTABLE "${PITH_SDK}/bin/x86_64-pith-elf-pkg-config" CACHE FILEPATH "")

set(CMAKE_FIND_ROOT_PATH "${PITH_SDK}/sysroot")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
