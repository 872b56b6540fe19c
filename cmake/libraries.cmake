# Third-party libraries, each used in the one folder that links it.
find_package(PkgConfig REQUIRED)
if(TAILBOOT_STATIC)
	# What a static library needs itself comes from its .pc file; the shared ones beside them are not looked at.
	set(PKG_CONFIG_ARGN --static)
	set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(CAPNG REQUIRED IMPORTED_TARGET libcap-ng)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
if(TAILBOOT_STATIC)
	# lib/nft/mnl_static.c in its place, with its header.
	set(MNL_TARGET "")
else()
	pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
	set(MNL_TARGET PkgConfig::MNL)
endif()
if(TAILBOOT_TESTS)
	pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
	# No program uses it yet.
	pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
endif()
