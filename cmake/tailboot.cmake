# tb_library(NAME SOURCES a.c b.c DEPS tb_base LIBS PkgConfig::CURL)
# One static library for each folder; DEPS are ours and become visible to users, LIBS are foreign.
function(tb_library name)
	cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
	add_library(${name} STATIC ${ARG_SOURCES})
	target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
	target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_LIBS})
endfunction()

# tb_unit_tests(FOLDER LIBRARY): every tests/unit/FOLDER/*_test.c becomes one test program.
# The list is a glob on purpose: a test that exists cannot be forgotten.
function(tb_unit_tests folder library)
	file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/${folder}/*_test.c")
	string(REPLACE "/" "_" prefix "${folder}")
	foreach(source IN LISTS sources)
		get_filename_component(stem "${source}" NAME_WE)
		set(target "unit_${prefix}_${stem}")
		add_executable(${target} "${source}")
		target_link_libraries(${target} PRIVATE tb_test_support ${library} PkgConfig::CMOCKA)
		add_test(NAME "${folder}/${stem}" COMMAND ${target})
		set_tests_properties("${folder}/${stem}" PROPERTIES TIMEOUT 60 LABELS unit)
	endforeach()
endfunction()
