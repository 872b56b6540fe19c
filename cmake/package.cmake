# What is installed, and the Debian package: cpack -G DEB, by scripts/package.
include(GNUInstallDirs)
install(TARGETS tailboot RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "file(CREATE_LINK tailboot \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/containerboot\" SYMBOLIC)")
install(FILES deploy/systemd/tailboot.service DESTINATION /lib/systemd/system)
install(FILES README.md NEWS.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "tailboot maintainers <maintainers@tailboot.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Supervisor of tailscaled: logs a node in, keeps it up, publishes its state")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
# The daemon and its command are not Debian's: they may have come as a package or by hand.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "tailscale, iptables, iproute2")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	"${PROJECT_SOURCE_DIR}/deploy/debian/postinst;${PROJECT_SOURCE_DIR}/deploy/debian/prerm;${PROJECT_SOURCE_DIR}/deploy/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
