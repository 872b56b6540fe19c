# Language level, warnings, hardening, and the instrumented variants.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-Og -g3")

add_compile_definitions(_GNU_SOURCE)
# The same program at any time.
add_compile_options(-Werror=date-time)
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
	-Wformat=2 -Wundef -Wswitch-enum)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	add_compile_options(-Wjump-misses-init)
endif()
if(TAILBOOT_WERROR)
	add_compile_options(-Werror)
endif()

if(TAILBOOT_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
	add_compile_options(-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
		-ffunction-sections -fdata-sections)
	if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
		add_compile_options(-fcf-protection)
	endif()
	if(TAILBOOT_STATIC)
		# Relative relocations packed: there are 20,000, half a megabyte that each start would read.
		# A warning would be of a function that needs glibc's plugins: see static_names.c.
		add_link_options(-static-pie -Wl,-z,pack-relative-relocs -Wl,--fatal-warnings)
	else()
		add_link_options(-pie)
	endif()
	add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--gc-sections)
	# Debian's clang 14 knows level 2 of _FORTIFY_SOURCE and takes 3 for it without a word.
endif()
if(TAILBOOT_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
if(TAILBOOT_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
		message(FATAL_ERROR "TAILBOOT_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang-14")
	endif()
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
